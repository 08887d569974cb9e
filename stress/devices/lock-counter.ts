/** Counts writes by load and store, with time in between: exact only if one vCPU at a time is in it. */
import type { DeviceCallbacks, DeviceContext } from '../../src/vcpu-program.ts';

/** Words of its state. */
export const WRITES = 0;
export const INSIDE = 1;
/** Writes that found another vCPU inside. */
export const MET = 2;

export default function lockCounter(context: DeviceContext): DeviceCallbacks {
  const words = new Int32Array(context.state);
  const linger = context.data as number;
  return {
    read: () => Atomics.load(words, WRITES),
    write: () => {
      // A vCPU that was killed in here leaves its number behind: only a live one counts as met.
      const me = context.vcpu + 1;
      Atomics.store(words, INSIDE, me);
      const seen = Atomics.load(words, WRITES);
      for (let turn = 0; turn < linger; turn += 1) Atomics.load(words, WRITES);
      Atomics.store(words, WRITES, seen + 1);
      if (Atomics.load(words, INSIDE) !== me) Atomics.add(words, MET, 1);
    },
  };
}
