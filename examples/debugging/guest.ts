/** What the vCPU runs, and the device that fails it. */
import { subscribe } from 'node:diagnostics_channel';
import {
  type DeviceCallbacks,
  Doorbell,
  type DoorbellHandle,
  type RegionAccessEvent,
  type Vcpu,
} from 'flatview/vcpu';

export const DEVICE = 0x4000;

export function broken(): DeviceCallbacks {
  return {
    read() {
      throw new Error('out of order');
    },
    write: () => {},
  };
}

export interface Task {
  /** Not 0 once somebody has noticed that the vCPU spins. */
  readonly noticed: Int32Array;
  readonly spinning: DoorbellHandle;
}

export default function guest(vcpu: Vcpu, { noticed, spinning }: Task): string[] {
  const traced: string[] = [];
  subscribe('flatview:region-access', (event) => {
    const { isWrite, offset, result } = event as RegionAccessEvent;
    traced.push(`${isWrite ? 'write' : 'read'} at offset ${offset}, result ${result}`);
  });
  Doorbell.from(spinning).ring();
  while (Atomics.load(noticed, 0) === 0); // a loop like this wants a checkpoint
  vcpu.checkpoint();
  vcpu.memory.load32(0, DEVICE);
  vcpu.memory.store32(0, DEVICE, 1);
  return traced;
}
