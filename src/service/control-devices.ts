/** Devices whose callbacks live in the control thread: served by mailbox to other threads, called by itself. */
import { assert } from '../base/assert.ts';
import { MEMTX_OK, type MemTxResult } from '../base/mem-tx-result.ts';
import { DEVICE_HOST_CONTROL } from '../layout/mailbox.ts';
import type { AccessServer } from '../mailbox/responder.ts';
import type { DeviceHandler } from '../vcpu/device-handler.ts';
import type { DeviceHome } from '../vcpu/route-loader.ts';
import { HomeRings, type PerformWrite } from './home-rings.ts';
import { serveAccess } from './serve-access.ts';

export class ControlDevices implements AccessServer, DeviceHome {
  readonly host = DEVICE_HOST_CONTROL;
  result: MemTxResult = MEMTX_OK;
  high = 0;
  readonly rings = new HomeRings((...write) => void this.perform(...write));
  private readonly handlers = new Map<number, DeviceHandler>();

  add(device: number, handler: DeviceHandler): void {
    this.handlers.set(device, handler);
  }

  handlerOf(device: number): DeviceHandler {
    const handler = this.handlers.get(device);
    assert(handler !== undefined, `device ${device} was attached before a section named it`);
    return handler;
  }

  replayQueued(): void {
    this.rings.replayAll();
  }

  serve(...[slot, device, offset, access, valueLo, valueHi, attrs]: Parameters<PerformWrite>): number {
    this.rings.replayAll();
    return this.perform(slot, device, offset, access, valueLo, valueHi, attrs);
  }

  private perform(
    ...[slot, device, offset, access, valueLo, valueHi, attrs]: Parameters<PerformWrite>
  ): number {
    const handler = this.handlerOf(device);
    handler.vcpu = slot;
    const answer = serveAccess(handler, { offset, access, valueLo, valueHi, attrs }, null);
    this.result = handler.result;
    this.high = handler.high;
    return answer;
  }
}
