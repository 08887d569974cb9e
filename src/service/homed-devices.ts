/**
 * The devices that are homed in this thread, as whoever asks by mailbox sees them.
 * Guarantee: an access finds all writes done that were queued before it (home-rings.ts).
 */
import type { MemTxAttrs } from '../base/mem-tx-attrs.ts';
import { MEMTX_OK, type MemTxResult } from '../base/mem-tx-result.ts';
import type { AccessServer } from '../mailbox/responder.ts';
import type { DeviceHandler } from '../vcpu/device-handler.ts';
import type { DeviceHome } from '../vcpu/route-loader.ts';
import { HomeRings } from './home-rings.ts';

export abstract class HomedDevices implements AccessServer, DeviceHome {
  abstract readonly host: number;
  result: MemTxResult = MEMTX_OK;
  high = 0;
  readonly rings = new HomeRings((slot, device, offset, access, valueLo, valueHi, attrs) => {
    this.perform(slot, device, offset, access, valueLo, valueHi, attrs);
  });

  abstract handlerOf(device: number): DeviceHandler;

  replayQueued(): void {
    this.rings.replayAll();
  }

  serve(
    slot: number,
    device: number,
    offset: number,
    access: number,
    valueLo: number,
    valueHi: number,
    attrs: MemTxAttrs,
  ): number {
    this.rings.replayAll();
    return this.perform(slot, device, offset, access, valueLo, valueHi, attrs);
  }

  /** serve(), but rings are not looked at. */
  protected abstract perform(
    slot: number,
    device: number,
    offset: number,
    access: number,
    valueLo: number,
    valueHi: number,
    attrs: MemTxAttrs,
  ): number;

  /** What an access that is over leaves. */
  protected take({ result, high }: DeviceHandler): void {
    this.result = result;
    this.high = high;
  }
}
