/**
 * Follows grace periods, one at a time, as they happen: looks at what every vCPU has announced again and again until
 * all have let go of the layout before and its bytes are free. Control thread; it only reads.
 * Guarantee: what it tells was seen. Between two looks nothing is known, so a vCPU's passage lies between the last one
 * that found it holding on and the first that did not.
 */
import { generationReached } from '../layout/control-block.ts';
import type { ReaderState } from '../service/reader-states.ts';
import { microsFrom } from '../verify/latencies.ts';
import type { Commit, CommitCause } from './commits.ts';

/** How a vCPU let go: it announced the generation, went offline, or ended. */
export type Passage = 'announced' | 'offline' | 'gone';

interface FollowedReader {
  readonly id: number;
  /** Since the commit, of the last look that found it holding on; 0 if none did. */
  heldUs: number;
  passedUs: number | null;
  how: Passage | null;
}

interface FollowedPeriod {
  readonly commit: number;
  readonly cause: CommitCause;
  readonly generation: number;
  /** Looks so far. */
  samples: number;
  elapsedUs: number;
  readonly readers: FollowedReader[];
  /** Bytes of this and other layouts that wait. */
  waitingBytes: number;
  freedUs: number | null;
  isOver: boolean;
}

/** What is looked at. */
export interface FollowedMachine {
  readonly readers: readonly ReaderState[];
  readonly gauges: { readonly retiredBytes: number };
}

/** At first as often as the event loop turns, then more seldom: who lags by that much is in no hurry. */
const EAGER_MS = 3;
const PATIENT_MS = 200;
const PATIENT_PAUSE_MS = 10;
/** Between two tellings of one that lasts. */
const TELL_MS = 20;
/** Churn makes more grace periods than anyone can look at. */
const CHURN_PAUSE_MS = 100;

export class GracePeriodTrace {
  private readonly onPeriod: (period: FollowedPeriod) => void;
  private machine: FollowedMachine | null = null;
  private period: FollowedPeriod | null = null;
  private sinceMs = 0;
  private toldMs = 0;
  private next: { cancel(): void } | null = null;

  constructor(onPeriod: (period: FollowedPeriod) => void) {
    this.onPeriod = onPeriod;
  }

  /** Call it right after the commit. A client's takes the place of what is followed, churn's does not. */
  follow({ number, cause, generation }: Commit, machine: FollowedMachine): void {
    const nowMs = performance.now();
    if (cause === 'churn' && (this.period !== null || nowMs - this.sinceMs < CHURN_PAUSE_MS)) return;
    this.stop();
    this.machine = machine;
    this.sinceMs = nowMs;
    this.toldMs = nowMs;
    this.period = {
      ...{ commit: number, cause, generation, samples: 0, elapsedUs: 0 },
      readers: machine.readers.map(({ id }) => ({ id, heldUs: 0, passedUs: null, how: null })),
      ...{ waitingBytes: 0, freedUs: null, isOver: false },
    };
    this.look();
  }

  /** What was retired under `generation` is free. */
  reclaimed(generation: number): void {
    const { period } = this;
    if (period === null || period.freedUs !== null || !generationReached(generation, period.generation))
      return;
    const elapsedUs = this.elapsedUs();
    period.freedUs = elapsedUs;
    this.look(elapsedUs); // so all have let go, by then
  }

  stop(): void {
    this.next?.cancel();
    this.next = null;
    this.period = null;
  }

  private look(elapsedUs = this.elapsedUs()): void {
    const { period, machine } = this;
    if (period === null || machine === null) return;
    this.next?.cancel();
    const hasNews = lookAtReaders(period, machine.readers, elapsedUs);
    period.samples += 1;
    period.elapsedUs = elapsedUs;
    period.waitingBytes = machine.gauges.retiredBytes;
    const isFree = period.freedUs !== null || period.waitingBytes === 0;
    period.isOver = isFree && period.readers.every(({ how }) => how !== null);
    const untoldMs = performance.now() - this.toldMs;
    if (period.isOver || untoldMs >= 5 * TELL_MS || (hasNews && untoldMs >= TELL_MS)) {
      this.toldMs = performance.now();
      this.onPeriod(period);
    }
    if (period.isOver) this.stop();
    else this.next = soon(() => this.look(), elapsedUs / 1000);
  }

  private elapsedUs(): number {
    return microsFrom(performance.now() - this.sinceMs);
  }
}

/** @returns whether one has let go since */
function lookAtReaders(period: FollowedPeriod, states: readonly ReaderState[], elapsedUs: number): boolean {
  let hasNews = false;
  for (const reader of period.readers) {
    if (reader.how !== null) continue;
    reader.how = passageOf(
      states.find(({ id }) => id === reader.id),
      period.generation,
    );
    if (reader.how === null) reader.heldUs = elapsedUs;
    else reader.passedUs = elapsedUs;
    hasNews ||= reader.how !== null;
  }
  return hasNews;
}

function passageOf(state: ReaderState | undefined, generation: number): Passage | null {
  if (state === undefined) return 'gone';
  if (state.generation === null) return 'offline';
  return generationReached(state.generation, generation) ? 'announced' : null;
}

function soon(look: () => void, elapsedMs: number): { cancel(): void } {
  if (elapsedMs < EAGER_MS) {
    const immediate = setImmediate(look);
    return { cancel: () => clearImmediate(immediate) };
  }
  const timer = setTimeout(look, elapsedMs < PATIENT_MS ? 1 : PATIENT_PAUSE_MS);
  return { cancel: () => clearTimeout(timer) };
}
