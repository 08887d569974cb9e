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
 * After the outcomes come x and y of each instance, in cache lines of their own; control clears them between two
 * batches, so that they are far from the processors that run the next.
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
const MEMORY = ARENA_OUTCOMES + LITMUS_THREADS_MAX * INSTANCES;
export const ARENA_WORDS = MEMORY + 2 * CACHE_LINE_WORDS * INSTANCES;

/** Looks for the others before a batch: about a millisecond, in which a thread is woken. */
const LOOKS_FIRST = 100_000;
/** Looks before an instance, some microseconds: where there are more threads than cores, some are not there. */
const LOOKS = 300;
/** Turns of delay after they have met, at most: who comes first changes. */
const DELAY_MAX = 8;

export const lineWord = (thread: number, word: number): number => ARENA_LINES + thread * LINE_WORDS + word;

/** Runs a thread's part of every instance of a batch, each as soon as the others are there too. */
export function runBatch(words: SharedWords, thread: number, threads: number, body: LitmusBody): void {
  let looks = LOOKS_FIRST;
  for (let instance = 0; instance < INSTANCES; instance += 1) {
    Atomics.store(words, lineWord(thread, LINE_ARRIVED), instance + 1);
    for (let other = 0; other < threads; other += 1) {
      const arrived = lineWord(other, LINE_ARRIVED);
      while (looks > 0 && Atomics.load(words, arrived) <= instance) looks -= 1;
    }
    looks = LOOKS;
    spin(((instance * (2 * thread + 3)) >> 2) % DELAY_MAX);
    const x = MEMORY + 2 * CACHE_LINE_WORDS * instance;
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
