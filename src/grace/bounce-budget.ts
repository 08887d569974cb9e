/**
 * The bounce bytes of an address space, which all threads share, and the threads that wait for some.
 * Guarantee: the bytes that threads have taken of an address space are never more than its budget; a thread
 * that announced map clients and then found no byte left is woken when some are given back.
 * Writes: WORD_BOUNCE_USED by compareExchange; the slot's BOUNCE_* words and READER_MAP_CLIENTS; the
 * READER_INTERRUPTS of threads that wait.
 * Order: a client announces itself, then looks at the budget; a giver gives back, then looks for clients. So
 * one of the two sees the other (test/grace/bounce-interleavings.test.ts).
 *
 * A thread may die between any two steps: what it took is written down before it is taken and struck out after
 * it was given back, so its exit gives back all of it; at the worst twice, which the next bytes that are given
 * back make good, for the sum never falls below 0.
 */
import { describeValue } from '../base/arguments.ts';
import { MemoryError } from '../base/errors.ts';
import {
  bounceLimitWord,
  bounceUsedWord,
  READER_COUNT_MAX,
  READER_INTERRUPTS,
  READER_MAP_CLIENTS,
  readerHoldsWord,
  readerWord,
  type SharedWords,
} from '../layout/control-block.ts';
import { BOUNCE_SPACE, BOUNCE_SPACES_MAX, BOUNCE_TAKEN } from '../layout/reader-holds.ts';

export class BounceBudget {
  private readonly words: SharedWords;
  private readonly firstNote: number;
  private readonly clientsWord: number;
  private ended = false;

  constructor(words: SharedWords, slot: number) {
    this.words = words;
    this.firstNote = readerHoldsWord(slot);
    this.clientsWord = readerWord(slot) + READER_MAP_CLIENTS;
  }

  /** Bytes that could be taken now. */
  left(addressSpace: number): number {
    const max = Atomics.load(this.words, bounceLimitWord(addressSpace));
    return Math.max(0, max - Atomics.load(this.words, bounceUsedWord(addressSpace))); // pairs with give()
  }

  /**
   * Takes up to `wanted` bytes; 0 if none is left.
   * @throws MemoryError BOUNCE_SPACES_EXHAUSTED if this thread has bytes of too many address spaces at a time
   */
  take(addressSpace: number, wanted: number): number {
    const { words } = this;
    const usedWord = bounceUsedWord(addressSpace);
    const noteWord = this.noteFor(addressSpace);
    const noted = words[noteWord]!;
    const max = Atomics.load(words, bounceLimitWord(addressSpace));
    for (;;) {
      const used = Atomics.load(words, usedWord);
      const count = Math.min(wanted, max - used);
      this.note(noteWord, count > 0 ? noted + count : noted); // before it is so: see above
      if (count <= 0) return 0;
      if (Atomics.compareExchange(words, usedWord, used, used + count) === used) return count;
    }
  }

  /** Gives `bytes` back, and wakes whoever waits for some. */
  give(addressSpace: number, bytes: number): void {
    if (this.ended) return; // whoever ended the reader has given all of it back
    const noteWord = this.noteFor(addressSpace);
    giveBack(this.words, addressSpace, bytes);
    this.note(noteWord, this.words[noteWord]! - bytes);
    wakeMapClients(this.words);
  }

  /** The thread gives its slot back. */
  end(): void {
    this.ended = true;
  }

  /** Says how many map clients of this thread wait; look at left() afterwards. */
  announceClients(count: number): void {
    if (!this.ended) Atomics.store(this.words, this.clientsWord, count); // pairs with wakeMapClients
  }

  /** The word of this thread's bytes of `addressSpace`. */
  private noteFor(addressSpace: number): number {
    let free = -1;
    for (let index = 0; index < BOUNCE_SPACES_MAX; index += 1) {
      const word = this.firstNote + 2 * index;
      const space = this.words[word + BOUNCE_SPACE]!; // our own word
      if (space === addressSpace + 1) return word + BOUNCE_TAKEN;
      if (space === 0 && free < 0) free = word;
    }
    if (free >= 0) {
      Atomics.store(this.words, free + BOUNCE_SPACE, addressSpace + 1);
      return free + BOUNCE_TAKEN;
    }
    throw new MemoryError(
      'BOUNCE_SPACES_EXHAUSTED',
      `this thread has bounce buffers in ${BOUNCE_SPACES_MAX} address spaces; unmap those of one first`,
    );
  }

  private note(word: number, bytes: number): void {
    Atomics.store(this.words, word, bytes);
    if (bytes === 0) Atomics.store(this.words, word - BOUNCE_TAKEN + BOUNCE_SPACE, 0);
  }
}

/** For the control thread. @throws MemoryError INVALID_ARGUMENT */
export function setBounceBytesMax(words: SharedWords, addressSpace: number, bytes: number): void {
  if (!(Number.isInteger(bytes) && bytes >= 0 && bytes < 2 ** 31)) {
    throw new MemoryError(
      'INVALID_ARGUMENT',
      `a bounce budget of ${describeValue(bytes)} bytes: give a whole number below 2^31`,
    );
  }
  Atomics.store(words, bounceLimitWord(addressSpace), bytes); // pairs with BounceBudget.take
  wakeMapClients(words);
}

/** The slot's thread has exited, or has ended its reader: its bounce buffers are gone, its clients wait no more. */
export function endBounceUse(words: SharedWords, slot: number): void {
  Atomics.store(words, readerWord(slot) + READER_MAP_CLIENTS, 0);
  let found = false;
  for (let index = 0; index < BOUNCE_SPACES_MAX; index += 1) {
    const word = readerHoldsWord(slot) + 2 * index;
    const space = Atomics.exchange(words, word + BOUNCE_SPACE, 0);
    if (space === 0) continue;
    giveBack(words, space - 1, Atomics.exchange(words, word + BOUNCE_TAKEN, 0));
    found = true;
  }
  if (found) wakeMapClients(words);
}

function giveBack(words: SharedWords, addressSpace: number, bytes: number): void {
  const word = bounceUsedWord(addressSpace);
  for (;;) {
    const used = Atomics.load(words, word);
    if (Atomics.compareExchange(words, word, used, Math.max(0, used - bytes)) === used) return;
  }
}

/** By the word that waitForInterrupt() sleeps on: a thread that waits looks at the budget when it wakes. */
function wakeMapClients(words: SharedWords): void {
  for (let slot = 0; slot < READER_COUNT_MAX; slot += 1) {
    const word = readerWord(slot);
    if (Atomics.load(words, word + READER_MAP_CLIENTS) === 0) continue; // pairs with announceClients
    Atomics.add(words, word + READER_INTERRUPTS, 1);
    Atomics.notify(words, word + READER_INTERRUPTS);
  }
}
