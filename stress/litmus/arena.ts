/**
 * Where litmus threads meet: the words of a batch, in which each instance of a shape has an x and a y of its own.
 *
 *   word  name             writer   meaning
 *   0     ARENA_BATCH      control  number of the batch to run, from 1
 *   1     ARENA_SHAPE      control  index of its shape
 *   16    ARENA_LINES      thread   + thread * LINE_WORDS: its line
 *   256   ARENA_OUTCOMES   thread   + thread * INSTANCES: what it loaded in each instance
 *
 * A thread's line:
 *
 *   word  name             writer   meaning
 *   0     LINE_ARRIVED     thread   instances of the batch at which it has arrived; control sets it to 0 between
 *   1     LINE_DONE        thread   the last batch that it has run
 *
 * After the outcomes come x and y of each instance and its ballast, each in a cache line of its own; control clears them
 * between two batches. The ballast is stored to, plainly, by all threads just before x and y are: a plain store waits
 * behind it in its processor's buffer, so what such a buffer can do shows hundreds of times as often.
 */
import type { SharedWords } from '../../src/layout/control-block.ts';
import { spin } from '../vcpu-side.ts';
import { LITMUS_THREADS_MAX, type LitmusBody, type LitmusShape } from './shapes.ts';

export const ARENA_BATCH = 0;
export const ARENA_SHAPE = 1;
const ARENA_LINES = 16;
const ARENA_OUTCOMES = 256;

const LINE_ARRIVED = 0;
export const LINE_DONE = 1;

const LINE_WORDS = 32;
/** Of a shape in a batch. */
export const INSTANCES = 2048;
const CACHE_LINE_WORDS = 16;
const BALLAST_LINES = 6;
const INSTANCE_WORDS = (2 + BALLAST_LINES) * CACHE_LINE_WORDS;
const MEMORY = ARENA_OUTCOMES + LITMUS_THREADS_MAX * INSTANCES;
export const ARENA_WORDS = MEMORY + INSTANCES * INSTANCE_WORDS;

/**
 * Looks for the others before an instance: while they last, long enough for a thread that lost its core to come back,
 * so that those who meet once go on in step; then some microseconds, for where threads are more than cores.
 */
const LOOKS_MAX = 50_000;
const LOOKS_MIN = 300;
/** For all instances of a batch: some 5 to 10 ms. */
const LOOKS_ALL = 1_000_000;
/** Turns of delay after they have met, at most: who comes first changes. */
const DELAY_MAX = 8;

export const lineWord = (thread: number, word: number): number => ARENA_LINES + thread * LINE_WORDS + word;

/** Runs a thread's part of every instance of a batch, each as soon as the others are there too. */
export function runBatch(words: SharedWords, thread: number, threads: number, body: LitmusBody): void {
  let left = LOOKS_ALL;
  for (let instance = 0; instance < INSTANCES; instance += 1) {
    Atomics.store(words, lineWord(thread, LINE_ARRIVED), instance + 1);
    const granted = Math.max(LOOKS_MIN, Math.min(left, LOOKS_MAX));
    let looks = granted;
    for (let other = 0; other < threads; other += 1) {
      const arrived = lineWord(other, LINE_ARRIVED);
      while (looks > 0 && Atomics.load(words, arrived) <= instance) looks -= 1;
    }
    left -= granted - looks;
    spin(((instance * (2 * thread + 3)) >> 2) % DELAY_MAX);
    const x = MEMORY + instance * INSTANCE_WORDS;
    for (let line = 2; line < 2 + BALLAST_LINES; line += 1) words[x + line * CACHE_LINE_WORDS] = 1;
    words[ARENA_OUTCOMES + thread * INSTANCES + instance] = body(words, x, x + CACHE_LINE_WORDS);
  }
}

/** Adds up a batch that is over: how often each outcome came. */
export function tally(words: SharedWords, { threads }: LitmusShape, counts: Map<string, number>): void {
  for (let instance = 0; instance < INSTANCES; instance += 1) {
    let outcome = '';
    for (const [thread, { loads }] of threads.entries()) {
      const loaded = words[ARENA_OUTCOMES + thread * INSTANCES + instance]!;
      for (let load = 0; load < loads; load += 1) outcome += (loaded >> load) & 1;
    }
    counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  }
}

/** Before the next batch, while no thread runs one. */
export function clearArena(words: SharedWords): void {
  words.fill(0, MEMORY);
  for (let thread = 0; thread < LITMUS_THREADS_MAX; thread += 1) words[lineWord(thread, LINE_ARRIVED)] = 0;
}
