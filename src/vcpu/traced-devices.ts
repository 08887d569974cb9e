/**
 * A thread's devices, with word of each access on the channel flatview:region-access. Ports of machines with
 * `traceAccesses` have it in place of the DeviceTable; all others pay nothing.
 */
import { addressFromHalves } from '../base/addresses.ts';
import type { MemTxAttrs } from '../base/mem-tx-attrs.ts';
import type { MemTxResult } from '../base/mem-tx-result.ts';
import { type RegionAccessEvent, regionAccessChannel } from '../base/trace.ts';
import type { DeviceCalls } from './device-calls.ts';

export class TracedDevices implements DeviceCalls {
  private readonly devices: DeviceCalls;
  private readonly slot: number;

  constructor(devices: DeviceCalls, slot: number) {
    this.devices = devices;
    this.slot = slot;
  }

  get result(): MemTxResult {
    return this.devices.result;
  }
  get high(): number {
    return this.devices.high;
  }

  read(device: number, offset: number, size: number, attrs: MemTxAttrs): number {
    const value = this.devices.read(device, offset, size, attrs);
    this.tell(device, offset, size, value, this.devices.high, false, attrs);
    return value;
  }

  write(
    device: number,
    offset: number,
    size: number,
    valueLo: number,
    valueHi: number,
    attrs: MemTxAttrs,
  ): void {
    this.devices.write(device, offset, size, valueLo, valueHi, attrs);
    this.tell(device, offset, size, valueLo, valueHi, true, attrs);
  }

  takesUnaligned(device: number): boolean {
    return this.devices.takesUnaligned(device);
  }

  bulkSize(device: number, offset: number, left: number): number {
    return this.devices.bulkSize(device, offset, left);
  }

  accepts(device: number, offset: number, size: number, isWrite: boolean, attrs: MemTxAttrs): boolean {
    return this.devices.accepts(device, offset, size, isWrite, attrs);
  }

  private tell(
    device: number,
    offset: number,
    size: number,
    valueLo: number,
    valueHi: number,
    isWrite: boolean,
    attrs: MemTxAttrs,
  ): void {
    if (!regionAccessChannel.hasSubscribers) return;
    const value = addressFromHalves(size === 8 ? valueHi : 0, valueLo);
    const { slot } = this;
    const { result } = this.devices;
    const event: RegionAccessEvent = { slot, device, offset, size, isWrite, value, result, attrs };
    regionAccessChannel.publish(event);
  }
}
