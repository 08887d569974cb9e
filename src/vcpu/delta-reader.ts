/**
 * Brings one port's TLB up to a newer view by what changed on the way there. One thread's own.
 * Guarantee: after catchUp() returned true, no page is left in the TLB that answers differently in the view than
 * in the one before; false means that the ring no longer tells, and everything must go.
 * Reads: WORD_DELTA_COUNT, WORD_DELTAS. Order: the root first, then the count, the deltas, the count again
 * (test/vcpu/delta-interleavings.test.ts).
 */
import { type SharedWords, WORD_DELTA_COUNT } from '../layout/control-block.ts';
import * as delta from '../layout/delta-ring.ts';
import { dropRange } from './tlb.ts';

const targetOf = delta.targetAddressSpace;
const isLast = delta.targetIsLast;

export class DeltaReader {
  private readonly words: SharedWords;
  private readonly addressSpace: number;
  private readonly tlb: Int32Array;
  /** Number of a delta that the TLB's view includes, with all before it. */
  private seen = 0;

  constructor(words: SharedWords, addressSpace: number, tlb: Int32Array) {
    this.words = words;
    this.addressSpace = addressSpace;
    this.tlb = tlb;
  }

  /**
   * For a TLB that is empty: to call before the root is loaded that it will be filled from. Roots are stored before
   * their deltas, so that root includes all that are counted now.
   */
  startAfresh(): void {
    this.seen = Atomics.load(this.words, WORD_DELTA_COUNT); // pairs with DeltaWriter
  }

  /** @param version of the view that was loaded just before */
  catchUp(version: number): boolean {
    const { words, addressSpace, seen } = this;
    const behind = (Atomics.load(words, WORD_DELTA_COUNT) - seen) | 0; // pairs with DeltaWriter
    if (behind >= delta.DELTA_COUNT_MAX) return false;
    let reached = 0;
    for (let step = 1; step <= behind; step += 1) {
      const word = delta.deltaWord(seen + step);
      const target = Atomics.load(words, word + delta.DELTA_TARGET);
      if (targetOf(target) !== addressSpace) continue;
      // Deltas of views that are newer still do no harm: they are looked at again with those views.
      this.drop(word);
      if (isLast(target) && Atomics.load(words, word + delta.DELTA_VIEW_VERSION) === version) reached = step;
    }
    // Not reached: the deltas of this view are still being written.
    const isWhole = ((Atomics.load(words, WORD_DELTA_COUNT) - seen) | 0) < delta.DELTA_COUNT_MAX;
    if (!isWhole || reached === 0) return false;
    this.seen = (seen + reached) | 0;
    return true;
  }

  private drop(word: number): void {
    const { words } = this;
    dropRange(
      this.tlb,
      Atomics.load(words, word + delta.DELTA_START_HI),
      Atomics.load(words, word + delta.DELTA_START_LO),
      Atomics.load(words, word + delta.DELTA_LAST_HI),
      Atomics.load(words, word + delta.DELTA_LAST_LO),
    );
  }
}
