/**
 * A register whose read blocks until it is let through: word 0 of its state counts the reads that have
 * come, word 1 says how many may go.
 */
import type { DeviceCallbacks, DeviceContext } from '../../src/vcpu-program.ts';

export const ARRIVED = 0;
export const LET_THROUGH = 1;

export default function gate(context: DeviceContext): DeviceCallbacks {
  const words = new Int32Array(context.state);
  return {
    read: () => {
      const mine = Atomics.add(words, ARRIVED, 1) + 1;
      for (;;) {
        const open = Atomics.load(words, LET_THROUGH);
        if (open >= mine) return mine;
        Atomics.wait(words, LET_THROUGH, open);
      }
    },
    write: () => {},
  };
}
