/** What the vCPU runs, and the device that fails it. */
import { subscribe } from 'node:diagnostics_channel';
import type { DeviceCallbacks, RegionAccessEvent, Vcpu } from 'flatview/vcpu';

export const DEVICE = 0x4000;
const SPIN_MS = 150;

export function broken(): DeviceCallbacks {
  return {
    read() {
      throw new Error('out of order');
    },
    write: () => {},
  };
}

export default function guest(vcpu: Vcpu): string[] {
  const traced: string[] = [];
  subscribe('flatview:region-access', (event) => {
    const { isWrite, offset, result } = event as RegionAccessEvent;
    traced.push(`${isWrite ? 'write' : 'read'} at offset ${offset}, result ${result}`);
  });
  const end = performance.now() + SPIN_MS;
  while (performance.now() < end); // a loop like this wants a checkpoint
  vcpu.checkpoint();
  vcpu.memory.load32(0, DEVICE);
  vcpu.memory.store32(0, DEVICE, 1);
  return traced;
}
