/**
 * Walks every order in which threads can take their steps. A step touches at most one shared word, so on
 * words that are accessed by Atomics only, these orders are all that real threads can produce.
 *
 *   const walk = walkOrders(() => {
 *     const words = new Int32Array(new SharedArrayBuffer(8)); // a fresh state for each order
 *     return {
 *       threads: [
 *         stepsOf('writer', step('publish', () => Atomics.store(words, 0, 1))),
 *         stepsOf('reader', step('load', () => { seen = Atomics.load(words, 0); })),
 *       ],
 *       verdict: () => (seen === 7 ? 'saw what nobody wrote' : SAFE),
 *     };
 *   });
 *   expect(walk.unsafe).toBe(0);
 *
 * Each order runs from a fresh state, on real buffers; nothing is copied or undone.
 */
import { assert } from '../../src/base/assert.ts';

/** A thread under the walk. It is asked for one step at a time. */
export interface SteppedThread {
  readonly name: string;
  readonly isDone: boolean;
  /** False while its next step must wait for another thread. */
  readonly isReady: boolean;
  /** Takes the next step and returns its name. */
  advance(): string;
}

export interface Interleaving {
  readonly threads: readonly SteppedThread[];
  /** What is wrong with this order, once all threads are done; null (SAFE) if nothing is. */
  verdict(): string | null;
}

export const SAFE: null = null;

export interface Walk {
  /** Orders that were run to their end. */
  readonly orders: number;
  readonly unsafe: number;
  /** Orders in which no thread could take its next step. */
  readonly deadlocks: number;
  /** The first bad order, step by step, and what was wrong: for the message of a failing test. */
  readonly firstBad: string;
}

const STEPS_MAX = 200;
const ORDERS_MAX = 2_000_000;

/** Runs every order. `fresh` must make all shared and private state anew, and nothing may depend on time. */
export function walkOrders(fresh: () => Interleaving): Walk {
  const choices: number[] = []; // which of the threads that were ready took each step
  const widths: number[] = []; // how many were ready
  let orders = 0;
  let unsafe = 0;
  let deadlocks = 0;
  let firstBad = '';
  do {
    const order = fresh();
    const end = runOrder(order, choices, widths);
    orders += 1;
    assert(orders <= ORDERS_MAX, `a walk has at most ${ORDERS_MAX} orders; use fewer steps`);
    if (end.isDeadlock) deadlocks += 1;
    else if (end.complaint !== SAFE) unsafe += 1;
    if (firstBad === '' && end.complaint !== SAFE) firstBad = `${end.trace.join(' | ')} => ${end.complaint}`;
  } while (nextOrder(choices, widths));
  return { orders, unsafe, deadlocks, firstBad };
}

interface EndOfOrder {
  readonly trace: readonly string[];
  readonly complaint: string | null;
  readonly isDeadlock: boolean;
}

/** Runs one order: by `choices` as far as they reach, then always the first thread that is ready. */
function runOrder({ threads, verdict }: Interleaving, choices: number[], widths: number[]): EndOfOrder {
  const taken: SteppedThread[] = [];
  const names: string[] = [];
  const ready: SteppedThread[] = [];
  for (;;) {
    let running = 0;
    ready.length = 0;
    for (const thread of threads) {
      if (thread.isDone) continue;
      running += 1;
      if (thread.isReady) ready.push(thread);
    }
    if (ready.length === 0) {
      const complaint = running === 0 ? verdict() : 'deadlock';
      if (complaint === SAFE) return { trace: [], complaint, isDeadlock: false };
      const trace = taken.map((thread, at) => `${thread.name}: ${names[at]}`);
      if (running === 0) return { trace, complaint, isDeadlock: false };
      const stuck = threads.filter((thread) => !thread.isDone).map(({ name }) => name);
      return { trace, complaint: `deadlock: ${stuck.join(', ')} cannot go on`, isDeadlock: true };
    }
    const at = names.length;
    assert(at < STEPS_MAX, `an order has at most ${STEPS_MAX} steps: ${names.slice(-6).join(' | ')}`);
    if (at === choices.length) choices.push(0);
    widths[at] = ready.length;
    const thread = ready[choices[at]!]!;
    taken.push(thread);
    names.push(thread.advance());
  }
}

/** Moves `choices` to the next order, depth first; false after the last. */
function nextOrder(choices: number[], widths: readonly number[]): boolean {
  while (choices.length > 0) {
    const choice = choices.pop()! + 1;
    if (choice < widths[choices.length]!) {
      choices.push(choice);
      return true;
    }
  }
  return false;
}

/** One step: touches at most one shared word; what else it needs is private to its thread. */
export interface Step {
  readonly name: string;
  /** False while the step cannot be taken: it blocks. */
  readonly ready: () => boolean;
  /** A string names the step to go on with, or END; after anything else comes the next step. */
  readonly run: () => unknown;
}

export const END = 'end';

export const step = (name: string, run: Step['run'], ready: Step['ready'] = () => true): Step => ({
  name,
  ready,
  run,
});

/** A thread that takes named steps, in their order but where a step names another. */
export function stepsOf(name: string, ...steps: readonly Step[]): SteppedThread {
  let next = 0;
  return {
    name,
    get isDone() {
      return next >= steps.length;
    },
    get isReady() {
      return steps[next]!.ready();
    },
    advance() {
      const taken = steps[next]!;
      const target = taken.run();
      if (typeof target !== 'string') next += 1;
      else next = target === END ? steps.length : steps.findIndex((other) => other.name === target);
      assert(next >= 0, `step '${taken.name}' goes on with a step of its own thread`);
      return taken.name;
    },
  };
}

/** `n` over `k`: in how many orders two threads of k and n - k steps without blocking can run. */
export function binomial(n: number, k: number): number {
  let result = 1;
  for (let i = 1; i <= k; i += 1) result = (result * (n - k + i)) / i;
  return result;
}
