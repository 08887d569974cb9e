/**
 * Software interrupts between harts, like the MSIP registers of a CLINT: word n in shared memory is register n.
 * A store of 1 wakes vCPU n from WFI, or makes its next WFI return at once. Each register is one word that is
 * only stored to, so the instances in the vCPU workers need no lock.
 */
import type { DeviceCallbacks, DeviceContext } from '../../src/vcpu-program.ts';
import { HARTS_MAX } from './machine-map.ts';

export const newDoorbellState = (): SharedArrayBuffer => new SharedArrayBuffer(4 * HARTS_MAX);

/** The device's factory, called in each vCPU worker. */
export default function createDoorbell(context: DeviceContext): DeviceCallbacks {
  const pending = new Int32Array(context.state);
  return {
    read: (offset) => (offset >> 2 < HARTS_MAX ? Atomics.load(pending, offset >> 2) : 0),
    write(offset, value) {
      const hart = offset >> 2;
      if (hart >= HARTS_MAX) return;
      Atomics.store(pending, hart, value & 1);
      if ((value & 1) !== 0) context.interrupt(hart);
    },
  };
}
