/**
 * Reader half of the holds on views: what a reader keeps beyond its next quiescent state, QEMU's counted
 * reference on a FlatView. One thread's own.
 * Guarantee: a view that take() got while the reader's announcement, or another hold, protected it is neither
 * reclaimed nor loses the RAM that it shows before the last release(), whatever the reader announces meanwhile.
 * Writes: this slot's hold words; WORD_HOLDS_ENDED. Order: store the hold, and only then announce
 * (test/grace/hold-interleavings.test.ts).
 */
import { assert } from '../base/assert.ts';
import { MemoryError } from '../base/errors.ts';
import { readerHoldsWord, type SharedWords, WORD_HOLDS_ENDED } from '../layout/control-block.ts';
import { HOLD_COUNT, HOLD_VIEWS, VIEWS_HELD_MAX } from '../layout/reader-holds.ts';

/** How often this thread holds a view, and the word that says so to the control thread. */
interface CountedHold {
  readonly word: number;
  count: number;
}

export class HoldTaker {
  private readonly words: SharedWords;
  private readonly countWord: number;
  private readonly firstWord: number;
  private readonly holds = new Map<number, CountedHold>();
  private ended = false;

  constructor(words: SharedWords, slot: number) {
    this.words = words;
    this.countWord = readerHoldsWord(slot) + HOLD_COUNT;
    this.firstWord = readerHoldsWord(slot) + HOLD_VIEWS;
  }

  /**
   * Holds the view whose header is `cell`, once more.
   * @throws MemoryError VIEW_HOLDS_EXHAUSTED if it would be one view more than a thread may hold
   */
  take(cell: number): void {
    assert(!this.ended, 'a reader that has let go of everything takes no hold');
    const known = this.holds.get(cell);
    if (known !== undefined) known.count += 1;
    else {
      const word = this.freeWord();
      this.holds.set(cell, { word, count: 1 });
      Atomics.store(this.words, word, cell); // pairs with HoldKeeper.isHeld
      Atomics.store(this.words, this.countWord, this.holds.size);
    }
  }

  /** Ends one hold on a view that take() got. */
  release(cell: number): void {
    if (this.ended) return; // whoever ended the reader has freed its words
    const hold = this.holds.get(cell);
    assert(hold !== undefined, 'a view that is released was held');
    hold.count -= 1;
    if (hold.count > 0) return;
    this.holds.delete(cell);
    Atomics.store(this.words, hold.word, 0);
    Atomics.store(this.words, this.countWord, this.holds.size);
    announceHoldsEnded(this.words); // after the stores: who wakes up sees them
  }

  /** The thread gives its slot back: nothing that it held may be used from now on. */
  end(): void {
    this.ended = true;
  }

  private freeWord(): number {
    for (let index = 0; index < VIEWS_HELD_MAX; index += 1) {
      if (this.words[this.firstWord + index] === 0) return this.firstWord + index;
    }
    throw new MemoryError(
      'VIEW_HOLDS_EXHAUSTED',
      `this thread holds ${VIEWS_HELD_MAX} different layouts by mappings, caches and holds; release those of old layouts first`,
    );
  }
}

/** Wakes the control thread, which may wait for the end of a hold. */
export function announceHoldsEnded(words: SharedWords): void {
  Atomics.add(words, WORD_HOLDS_ENDED, 1); // pairs with HoldKeeper.watch
  Atomics.notify(words, WORD_HOLDS_ENDED);
}
