/** Devices whose callbacks live in the control thread: served by mailbox to other threads, called by itself. */
import { assert } from '../base/assert.ts';
import type { MemTxAttrs } from '../base/mem-tx-attrs.ts';
import { DEVICE_HOST_CONTROL } from '../layout/mailbox.ts';
import type { DeviceHandler } from '../vcpu/device-handler.ts';
import { HomedDevices } from './homed-devices.ts';
import { serveAccess } from './serve-access.ts';

export class ControlDevices extends HomedDevices {
  readonly host = DEVICE_HOST_CONTROL;
  private readonly handlers = new Map<number, DeviceHandler>();

  add(device: number, handler: DeviceHandler): void {
    this.handlers.set(device, handler);
  }

  handlerOf(device: number): DeviceHandler {
    const handler = this.handlers.get(device);
    assert(handler !== undefined, `device ${device} was attached before a section named it`);
    return handler;
  }

  protected perform(
    slot: number,
    device: number,
    offset: number,
    access: number,
    valueLo: number,
    valueHi: number,
    attrs: MemTxAttrs,
  ): number {
    const handler = this.handlerOf(device);
    handler.vcpu = slot;
    const answer = serveAccess(handler, { offset, access, valueLo, valueHi, attrs }, null);
    this.take(handler);
    return answer;
  }
}
