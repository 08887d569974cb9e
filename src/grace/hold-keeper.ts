/**
 * Writer half of the holds on views; control thread only.
 * Guarantee: what reclaim() was given runs once no reader holds its view, at once if none does. What
 * onceUnheld() was given runs once no view that was kept when it was called, and that it names, is left.
 * Order: reclaim() is called after the view's grace period, never before, so that every hold that was taken
 * under the protection of an announcement is seen (test/grace/hold-interleavings.test.ts).
 */
import {
  READER_COUNT_MAX,
  readerHoldsWord,
  type SharedWords,
  WORD_HOLDS_ENDED,
} from '../layout/control-block.ts';
import { HOLD_COUNT, HOLD_VIEWS, VIEWS_HELD_MAX } from '../layout/reader-holds.ts';
import { announceHoldsEnded } from './hold-taker.ts';

/** A view after its grace period, kept for whoever holds it. */
interface Kept<View> {
  readonly cell: number;
  readonly view: View;
  readonly sizeBytes: number;
  readonly reclaim: () => void;
}

interface Waiting<View> {
  readonly views: Set<Kept<View>>;
  readonly callback: () => void;
}

export class HoldKeeper<View> {
  private readonly words: SharedWords;
  private readonly kept = new Set<Kept<View>>();
  private readonly waiting = new Set<Waiting<View>>();
  private watching = false;
  private closed = false;

  constructor(words: SharedWords) {
    this.words = words;
  }

  /** Bytes of views whose grace period is over, and that someone holds. */
  get heldBytes(): number {
    let sum = 0;
    for (const { sizeBytes } of this.kept) sum += sizeBytes;
    return sum;
  }

  /** To call after the grace period of the view whose header is `cell`. */
  reclaim(cell: number, view: View, sizeBytes: number, reclaim: () => void): void {
    if (!this.isHeld(cell)) reclaim();
    else {
      this.kept.add({ cell, view, sizeBytes, reclaim });
      if (!this.watching) void this.watch();
    }
  }

  /** Calls `callback` when none of the kept views that `names` names is held any more; at once if none is. */
  onceUnheld(names: (view: View) => boolean, callback: () => void): void {
    this.poll();
    const views = new Set([...this.kept].filter(({ view }) => names(view)));
    if (views.size === 0) callback();
    else this.waiting.add({ views, callback });
  }

  /** Reclaims what nobody holds any more. */
  poll(): void {
    for (const kept of this.kept) {
      if (this.isHeld(kept.cell)) continue;
      this.kept.delete(kept);
      kept.reclaim();
      for (const waiting of this.waiting) this.oneLess(waiting, kept);
    }
  }

  /** Ends all holds, with the machine: who waits for their end shall not wait for ever. */
  close(): void {
    this.closed = true;
    this.poll();
    Atomics.notify(this.words, WORD_HOLDS_ENDED);
  }

  private oneLess(waiting: Waiting<View>, kept: Kept<View>): void {
    if (!waiting.views.delete(kept) || waiting.views.size > 0) return;
    this.waiting.delete(waiting);
    waiting.callback();
  }

  private isHeld(cell: number): boolean {
    if (this.closed) return false;
    for (let slot = 0; slot < READER_COUNT_MAX; slot += 1) {
      const word = readerHoldsWord(slot);
      // Plain, for it is many words: a hold was stored before an announcement that was loaded, an end before the add
      // to WORD_HOLDS_ENDED that was.
      if (this.words[word + HOLD_COUNT] === 0) continue; // pairs with HoldTaker.take
      for (let index = 0; index < VIEWS_HELD_MAX; index += 1) {
        if (Atomics.load(this.words, word + HOLD_VIEWS + index) === cell) return true;
      }
    }
    return false;
  }

  private async watch(): Promise<void> {
    this.watching = true;
    while (!this.closed && this.kept.size > 0) {
      const seen = Atomics.load(this.words, WORD_HOLDS_ENDED); // before the look: no end is missed
      this.poll();
      if (this.kept.size === 0) break;
      const wait = Atomics.waitAsync(this.words, WORD_HOLDS_ENDED, seen); // pairs with announceHoldsEnded
      if (wait.async) await wait.value;
    }
    this.watching = false;
  }
}

/** The slot's thread has exited, or has ended its reader: its holds end. */
export function endHolds(words: SharedWords, slot: number): void {
  const word = readerHoldsWord(slot);
  if (Atomics.load(words, word + HOLD_COUNT) === 0) return;
  for (let index = 0; index < VIEWS_HELD_MAX; index += 1) Atomics.store(words, word + HOLD_VIEWS + index, 0);
  Atomics.store(words, word + HOLD_COUNT, 0);
  announceHoldsEnded(words);
}
