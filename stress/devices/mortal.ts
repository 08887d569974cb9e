/** A register that answers with its name, until its worker dies as the control thread orders. */
import type { DeviceCallbacks, DeviceContext } from '../../src/vcpu-program.ts';

/** Word of its state: one of the orders below. */
export const ORDER = 0;
export const LIVE = 0;
/** End in the middle of the next read. */
export const DIE_SERVING = 1;
/** End between two reads, soon. */
export const DIE_IDLE = 2;
/** Never answer again; only terminate() ends it. */
export const HANG = 3;
/** Fail in the middle of the next read, after which the worker's event loop throws. */
export const THROW_LATER = 4;

export const nameOf = (host: number): number => 0x51000000 + host;

export default function mortal(context: DeviceContext): DeviceCallbacks {
  const words = new Int32Array(context.state);
  const host = context.data as number;
  setInterval(() => {
    if (Atomics.load(words, ORDER) === DIE_IDLE) process.exit(7);
  }, 1);
  return {
    read: () => {
      const order = Atomics.load(words, ORDER);
      if (order === DIE_SERVING) process.exit(7);
      if (order === HANG) Atomics.wait(words, ORDER, HANG);
      if (order === THROW_LATER) {
        queueMicrotask(() => {
          throw new Error('the device worker fails');
        });
      }
      return nameOf(host);
    },
    write: () => {},
  };
}
