/**
 * What one vCPU under stress tells the control thread, through shared memory, so that what it saw is there
 * even if its thread is killed or hangs.
 *
 *   word  writer  meaning
 *   0     vCPU    accesses that were checked
 *   1     vCPU    what it saw that it must not see
 *   2     vCPU    the step it is at; a number of its program's own, for the dump of a hang
 *   3     vCPU    texts that follow the notes, each of TEXT_BYTES: their length in a word, then UTF-8
 *   4     vCPU    notes that it took: the last NOTES_KEPT are in a ring from NOTES_WORD, three words each
 */
const OPERATIONS = 0;
const VIOLATIONS = 1;
const STEP = 2;
const TEXTS = 3;
const NOTES = 4;
const NOTES_WORD = 8;
const NOTE_WORDS = 3;
const NOTES_KEPT = 16; // a power of two, so that the ring goes on where the count wraps
const HEAD_BYTES = 4 * (NOTES_WORD + NOTES_KEPT * NOTE_WORDS);
const TEXT_BYTES = 256;
export const EXAMPLES_MAX = 10;

export interface Note {
  readonly step: number;
  readonly value: number;
  /** Accesses that it had checked. */
  readonly checked: number;
}

export class Lane {
  /** Posted to the vCPU, which makes its own Lane on it. */
  readonly buffer: SharedArrayBuffer;
  private readonly words: Int32Array;
  private readonly bytes: Uint8Array;

  constructor(buffer = new SharedArrayBuffer(HEAD_BYTES + EXAMPLES_MAX * TEXT_BYTES)) {
    this.buffer = buffer;
    this.words = new Int32Array(buffer);
    this.bytes = new Uint8Array(buffer);
  }

  /** The vCPU checked `count` more accesses. */
  checked(count = 1): void {
    this.words[OPERATIONS] = (this.words[OPERATIONS]! + count) | 0;
  }

  /** It is at `step`, where a dump of a hang finds it, with a value of the program's own. */
  at(step: number, value = 0): void {
    this.note(step, value);
    this.words[STEP] = step;
  }

  /** For the ring alone, such as the layout that it took. */
  note(step: number, value: number): void {
    const { words } = this;
    const count = words[NOTES]!;
    const word = NOTES_WORD + (count & (NOTES_KEPT - 1)) * NOTE_WORDS;
    words[word] = step;
    words[word + 1] = value;
    words[word + 2] = words[OPERATIONS]!;
    words[NOTES] = (count + 1) | 0;
  }

  violation(text: string): void {
    const count = Atomics.load(this.words, TEXTS);
    if (count < EXAMPLES_MAX) {
      const encoded = new TextEncoder().encode(text).subarray(0, TEXT_BYTES - 4);
      const start = HEAD_BYTES + count * TEXT_BYTES;
      this.words[start >> 2] = encoded.length;
      this.bytes.set(encoded, start + 4);
      Atomics.store(this.words, TEXTS, count + 1);
    }
    Atomics.add(this.words, VIOLATIONS, 1);
  }

  get operations(): number {
    return Atomics.load(this.words, OPERATIONS) >>> 0;
  }

  get violations(): number {
    return Atomics.load(this.words, VIOLATIONS);
  }

  get step(): number {
    return Atomics.load(this.words, STEP);
  }

  /** The last ones, the newest last; of a vCPU that runs, the oldest may be overwritten meanwhile. */
  get notes(): readonly Note[] {
    const { words } = this;
    const count = Atomics.load(words, NOTES) >>> 0;
    return Array.from({ length: Math.min(count, NOTES_KEPT) }, (_, index) => {
      const at = count - Math.min(count, NOTES_KEPT) + index;
      const word = NOTES_WORD + (at & (NOTES_KEPT - 1)) * NOTE_WORDS;
      return { step: words[word]!, value: words[word + 1]!, checked: words[word + 2]! >>> 0 };
    });
  }

  get examples(): readonly string[] {
    return Array.from({ length: Atomics.load(this.words, TEXTS) }, (_, index) => {
      const start = HEAD_BYTES + index * TEXT_BYTES;
      const text = this.bytes.slice(start + 4, start + 4 + this.words[start >> 2]!);
      return new TextDecoder().decode(text);
    });
  }
}
