/** A register that answers its number, takes its time, and notices calls after its owner was told to be finalised. */
import type { DeviceCallbacks, DeviceContext } from '../../src/vcpu-program.ts';

/** Words of its state. */
export const CALLS = 0;
/** 1 once the owner's onFinalized was called. */
export const FINALIZED = 1;
/** Calls that began or ended after that. */
export const LATE = 2;
const NAP = 3;
export const STATE_BYTES = 16;

/** One call in so many takes long enough for others to queue up behind it, and for a whole removal. */
const NAP_ONE_IN = 8;
const NAP_MS = 2;

export interface RemovableData {
  readonly number: number;
  /** Whether its thread may be blocked. */
  readonly naps: boolean;
}

export const removableRegister = (state: SharedArrayBuffer, data: RemovableData): DeviceCallbacks => {
  const words = new Int32Array(state);
  const look = (): void => {
    if (Atomics.load(words, FINALIZED) !== 0) Atomics.add(words, LATE, 1);
  };
  const call = (): number => {
    look();
    const calls = Atomics.add(words, CALLS, 1);
    if (data.naps && calls % NAP_ONE_IN === 0) Atomics.wait(words, NAP, 0, NAP_MS);
    look();
    return data.number;
  };
  return { read: call, write: () => void call() };
};

export default ({ state, data }: DeviceContext): DeviceCallbacks =>
  removableRegister(state, data as RemovableData);
