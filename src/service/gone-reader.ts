/**
 * What ends with a reader thread whose exit was confirmed, vCPU or device worker alike: its locks, holds on views, bounce
 * bytes, and the wait that it was in. Its grace periods end by GraceWriter.removeReader(), when the caller is done with the slot.
 * Writes: those words of the slot, and of locks that it held, in its place.
 */
import { endBounceUse } from '../grace/bounce-budget.ts';
import { endHolds } from '../grace/hold-keeper.ts';
import { READER_WAITS, readerWord, type SharedWords } from '../layout/control-block.ts';
import type { DeviceLocks } from './device-locks.ts';

/** Before the slot is used again. */
export function endGoneReader(words: SharedWords, locks: DeviceLocks, slot: number): void {
  locks.breakFor(slot);
  endHolds(words, slot);
  endBounceUse(words, slot);
  endWait(words, slot);
}

/** The access that it waited in is over. */
function endWait(words: SharedWords, slot: number): void {
  const word = readerWord(slot) + READER_WAITS;
  const waits = Atomics.load(words, word);
  if ((waits & 1) !== 0) Atomics.store(words, word, (waits + 1) | 0); // pairs with DeviceEnds
}
