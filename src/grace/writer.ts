/**
 * Writer half of the grace-period protocol; control thread only.
 * Guarantee: what is retired runs its reclaim function once every reader was seen offline or past the
 * generation that it was retired under, never earlier, in the order of retirement.
 * Writes: WORD_GENERATION, READER_AWAITED, READER_KICK, and READER_ANNOUNCED of readers whose exit was confirmed.
 * Order: store the new roots, advance(), then scan. A reader comes online the other way round: announce,
 * then load the roots. So either the scan sees the announcement or the reader sees the new root.
 *
 * Nothing here blocks the event loop: poll() looks once, and a background loop sleeps on the slowest
 * reader's word by Atomics.waitAsync. A live reader that stays silent is reported and waited for.
 */
import { assert } from '../base/assert.ts';
import { callOut } from '../base/call-out.ts';
import {
  GENERATION_OFFLINE,
  GENERATION_STEP,
  generationReached,
  READER_ANNOUNCED,
  READER_AWAITED,
  READER_KICK,
  READER_PHASE,
  readerWord,
  type SharedWords,
  WORD_GENERATION,
} from '../layout/control-block.ts';

/** A live reader that holds up a grace period. Nothing is forced: it is waited for until it moves. */
export interface StallReport {
  /** Reader slot, which is the vCPU's id. */
  readonly slot: number;
  /** How many generations it is behind. */
  readonly generationsBehind: number;
  /** Bytes of the arena that wait for it. */
  readonly heldBytes: number;
  /** Milliseconds since the oldest thing that it holds was retired. */
  readonly ageMs: number;
  /** PHASE_* that the reader last reported. */
  readonly phase: number;
}

export interface GraceWriterOptions {
  /** Called when a reader has held a grace period for `stallMs`, again at ten times that, then every hundredfold. */
  readonly onStall?: (report: StallReport) => void;
  /** Milliseconds until a silent reader is reported; 100 by default, as Linux's expedited periods do in kind. */
  readonly stallMs?: number;
  /** Milliseconds until a reader that holds up a grace period is kicked; 5 by default. It decides when to move. */
  readonly kickMs?: number;
  /** Called for each retired thing: milliseconds until it was reclaimed, and the generation it was retired under. */
  readonly onReclaimed?: (graceMs: number, generation: number) => void;
}

interface Retired {
  readonly generation: number;
  readonly sizeBytes: number;
  readonly sinceMs: number;
  readonly reclaim: () => void;
}

const NO_READER = -1;

export class GraceWriter {
  private readonly words: SharedWords;
  private readonly options: GraceWriterOptions;
  private readonly readers = new Set<number>();
  private retired: Retired[] = [];
  private retiredHead = 0;
  private heldBytes = 0;
  private waiting = false;
  private closed = false;
  private nextStallMs: number;
  private kicked = NO_READER;

  constructor(words: SharedWords, options: GraceWriterOptions = {}) {
    this.words = words;
    this.options = options;
    this.nextStallMs = this.stallMs;
  }

  /** Bytes that were retired and not yet reclaimed. */
  get retiredBytes(): number {
    return this.heldBytes;
  }

  /** The generation that readers announce at their next checkpoint. */
  get generation(): number {
    return Atomics.load(this.words, WORD_GENERATION);
  }

  /** Includes `slot` in every scan from now on. Call it before the reader's thread may go online. */
  addReader(slot: number): void {
    assert(!this.readers.has(slot), `reader slot ${slot} is free`);
    this.readers.add(slot);
  }

  /** The reader's thread has ended by itself, offline, or its exit was confirmed: its hold ends. */
  removeReader(slot: number): void {
    const word = readerWord(slot) + READER_ANNOUNCED;
    Atomics.store(this.words, word, GENERATION_OFFLINE);
    this.readers.delete(slot);
    Atomics.notify(this.words, word); // ends our own wait for it
    this.poll();
  }

  /** Begins a new generation. Everything retired from now on waits until readers announce it. */
  advance(): number {
    const generation = (this.generation + GENERATION_STEP) | 0;
    Atomics.store(this.words, WORD_GENERATION, generation); // pairs with GraceReader.quiescent and online
    return generation;
  }

  /**
   * Hands over what no root reaches any more. Call it after advance().
   * @param sizeBytes counted in retiredBytes until it is reclaimed
   */
  retire(sizeBytes: number, reclaim: () => void): void {
    this.heldBytes += sizeBytes;
    this.retired.push({ generation: this.generation, sizeBytes, sinceMs: performance.now(), reclaim });
    this.wakeUp();
  }

  /** Runs `callback` after every reader that is online now has passed a quiescent state. */
  callRcu(callback: () => void): void {
    this.advance();
    this.retire(0, callback);
  }

  /** Resolves after every reader that is online now has passed a quiescent state. */
  synchronize(): Promise<void> {
    return new Promise((resolve) => {
      this.callRcu(resolve);
    });
  }

  /** Reclaims what is safe now, oldest first, and returns how much is still held, in bytes. */
  poll(): number {
    while (this.retiredHead < this.retired.length) {
      const oldest = this.retired[this.retiredHead]!;
      if (this.slowestReader(oldest.generation) !== NO_READER) break;
      this.retiredHead += 1;
      this.heldBytes -= oldest.sizeBytes;
      this.nextStallMs = this.stallMs;
      const graceMs = performance.now() - oldest.sinceMs;
      callOut(() => this.options.onReclaimed?.(graceMs, oldest.generation));
      callOut(oldest.reclaim);
    }
    if (this.retiredHead > 1024 || this.retiredHead === this.retired.length) {
      this.retired = this.retired.slice(this.retiredHead);
      this.retiredHead = 0;
    }
    return this.heldBytes;
  }

  /** Stops waiting. What is still retired is dropped with the machine's buffers. */
  close(): void {
    this.closed = true;
    for (const slot of this.readers) Atomics.notify(this.words, readerWord(slot) + READER_ANNOUNCED);
  }

  private wakeUp(): void {
    if (this.waiting || this.closed) return;
    this.waiting = true;
    setImmediate(() => {
      if (this.mustWait()) void this.reclaimInBackground();
      else this.waiting = false; // nearly always: all readers have moved by now
    });
  }

  /** Reclaims what is safe now. Whether there is more, to wait for. */
  private mustWait(): boolean {
    if (this.closed) return false;
    this.poll();
    return this.retiredHead < this.retired.length;
  }

  /** Kicks `slot`, and no other any more. */
  private kick(slot: number): void {
    if (this.kicked !== NO_READER) Atomics.store(this.words, readerWord(this.kicked) + READER_KICK, 0);
    this.kicked = slot;
    if (slot !== NO_READER) Atomics.store(this.words, readerWord(slot) + READER_KICK, 1); // pairs with Vcpu.isKicked
  }

  private get kickMs(): number {
    return this.options.kickMs ?? 5;
  }

  private get stallMs(): number {
    return this.options.stallMs ?? 100;
  }

  /** A reader that may still hold what was retired under `generation`. */
  private slowestReader(generation: number): number {
    for (const slot of this.readers) {
      const announced = Atomics.load(this.words, readerWord(slot) + READER_ANNOUNCED); // pairs with GraceReader.announce
      if (!generationReached(announced, generation)) return slot;
    }
    return NO_READER;
  }

  private async reclaimInBackground(): Promise<void> {
    // waitAsync does not keep Node's event loop alive; whoever awaits synchronize() needs it alive.
    const keepAlive = setInterval(() => {}, 0x7fffffff);
    try {
      do {
        const oldest = this.retired[this.retiredHead]!;
        const slot = this.slowestReader(oldest.generation);
        this.kick(NO_READER); // it has moved; the next call knows whether it lags again
        if (slot !== NO_READER) await this.readerMoves(slot, oldest);
      } while (this.mustWait());
    } finally {
      this.kick(NO_READER);
      clearInterval(keepAlive);
      this.waiting = false;
    }
  }

  /** Sleeps until `slot` announces something, or until it is time to report it. */
  private async readerMoves(slot: number, oldest: Retired): Promise<void> {
    const word = readerWord(slot) + READER_ANNOUNCED;
    Atomics.store(this.words, readerWord(slot) + READER_AWAITED, 1); // pairs with GraceReader.announce
    const seen = Atomics.load(this.words, word);
    if (!generationReached(seen, oldest.generation)) {
      const ageMs = performance.now() - oldest.sinceMs;
      if (ageMs >= this.kickMs) this.kick(slot);
      const untilMs = ageMs < this.kickMs ? Math.min(this.kickMs, this.nextStallMs) : this.nextStallMs;
      const wait = Atomics.waitAsync(this.words, word, seen, Math.max(1, untilMs - ageMs));
      if (wait.async && (await wait.value) === 'timed-out') this.reportStall(slot, oldest);
    }
    Atomics.store(this.words, readerWord(slot) + READER_AWAITED, 0);
  }

  private reportStall(slot: number, oldest: Retired): void {
    const announced = Atomics.load(this.words, readerWord(slot) + READER_ANNOUNCED);
    const ageMs = performance.now() - oldest.sinceMs;
    if (generationReached(announced, oldest.generation) || ageMs < this.nextStallMs) return;
    this.nextStallMs = ageMs * 10;
    const report: StallReport = {
      slot,
      generationsBehind: ((this.generation - announced) | 0) / GENERATION_STEP,
      heldBytes: this.heldBytes,
      ageMs,
      phase: Atomics.load(this.words, readerWord(slot) + READER_PHASE),
    };
    callOut(() => this.options.onStall?.(report));
  }
}
