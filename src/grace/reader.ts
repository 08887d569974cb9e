/**
 * Reader half of the grace-period protocol.
 * Guarantee: while online, nothing that was published when the last quiescent(), online() or outermost
 * readLock() returned is reused before the next quiescent(), offline() or outermost readUnlock().
 * Writes: this reader's READER_ANNOUNCED and READER_BEAT. Reads: WORD_GENERATION, READER_AWAITED.
 * Order: announce, then load the roots (test/grace/interleavings.test.ts walks every order).
 *
 * A checkpoint in quiet times costs one Atomics.load; between checkpoints nothing is paid. A read section
 * is the same protocol: inside an online reader it only counts, in an offline one it goes online.
 */
import { assert } from '../base/assert.ts';
import {
  GENERATION_OFFLINE,
  READER_ANNOUNCED,
  READER_AWAITED,
  READER_BEAT,
  readerWord,
  type SharedWords,
  WORD_GENERATION,
} from '../layout/control-block.ts';

const wordGeneration = WORD_GENERATION;

export class GraceReader {
  readonly slot: number;
  private readonly words: SharedWords;
  private readonly announcedWord: number;
  private readonly awaitedWord: number;
  private readonly beatWord: number;
  private announced = GENERATION_OFFLINE;
  private depth = 0;
  private onlineForSection = false;

  constructor(words: SharedWords, slot: number) {
    this.slot = slot;
    this.words = words;
    this.announcedWord = readerWord(slot) + READER_ANNOUNCED;
    this.awaitedWord = readerWord(slot) + READER_AWAITED;
    this.beatWord = readerWord(slot) + READER_BEAT;
  }

  /** The generation last announced; GENERATION_OFFLINE while this reader holds nothing. */
  get generation(): number {
    return this.announced;
  }

  get isOnline(): boolean {
    return this.announced !== GENERATION_OFFLINE;
  }

  /** How many read sections are open. */
  get sectionDepth(): number {
    return this.depth;
  }

  /**
   * Announces that everything loaded before is forgotten. True if a generation began since the last
   * announcement: the roots must be loaded again. Inside a read section it announces nothing.
   */
  quiescent(): boolean {
    const generation = Atomics.load(this.words, wordGeneration); // pairs with GraceWriter.advance
    if (generation === this.announced || this.depth !== 0) return false;
    assert(this.isOnline, 'a reader that passes a quiescent state is online'); // or it would hold for ever
    this.announce(generation);
    return true;
  }

  /** Begins to hold what is published. Load the roots afterwards, never before. */
  online(): void {
    assert(!this.isOnline, 'a reader goes online once');
    this.announce(Atomics.load(this.words, wordGeneration)); // pairs with GraceWriter.advance
  }

  /** Holds nothing any more; required before anything that blocks. */
  offline(): void {
    assert(this.depth === 0, 'no read section is open when a reader goes offline');
    this.announce(GENERATION_OFFLINE);
  }

  /** Opens a read section; they nest. True if the reader came online: the roots must be loaded. */
  readLock(): boolean {
    this.depth += 1;
    if (this.depth !== 1 || this.isOnline) return false;
    this.announce(Atomics.load(this.words, wordGeneration)); // pairs with GraceWriter.advance
    this.onlineForSection = true;
    return true;
  }

  readUnlock(): void {
    assert(this.depth > 0, 'a read section is open when one is closed');
    this.depth -= 1;
    if (this.depth !== 0 || !this.onlineForSection) return;
    this.onlineForSection = false;
    this.announce(GENERATION_OFFLINE);
  }

  private announce(generation: number): void {
    const words = this.words;
    this.announced = generation;
    Atomics.store(words, this.announcedWord, generation); // pairs with GraceWriter.slowestReader
    // The control thread sets AWAITED, then sleeps only if ANNOUNCED has not moved: no wake-up is lost.
    if (Atomics.load(words, this.awaitedWord) !== 0) Atomics.notify(words, this.announcedWord);
    words[this.beatWord] = (words[this.beatWord]! + 1) | 0;
  }
}
