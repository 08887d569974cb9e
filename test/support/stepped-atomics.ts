/**
 * Cuts real code into steps, one Atomics operation each, without changing it: for the walk of every order
 * (interleavings.ts), and for lists of what a method does to shared words.
 *
 * Synchronous code cannot be stopped in the middle, but it can be run again. Each step runs the thread's
 * program from its start: operations of earlier steps are answered from a log and not done again, the next
 * one is done for real, and the one after it ends the run by an exception. So a program must make its
 * private state anew each time, and depend on nothing but what its operations return.
 */
import { assert } from '../../src/base/assert.ts';
import type { SteppedThread } from './interleavings.ts';

const operations = [
  'load',
  'store',
  'add',
  'or',
  'and',
  'exchange',
  'compareExchange',
  'notify',
  'waitAsync',
] as const;
type Operation = (typeof operations)[number];
type Implementation = (words: Int32Array, index: number, ...values: number[]) => number;
type Hook = (operation: Operation, words: Int32Array, index: number, perform: () => number) => number;

const atomics = Atomics as unknown as Record<Operation, Implementation>;

/** Puts `hook` between this thread's code and every Atomics operation; returns how to take it away. */
function installHook(hook: Hook): () => void {
  const originals = operations.map((operation) => atomics[operation]);
  operations.forEach((operation, i) => {
    atomics[operation] = (words, index, ...values) =>
      hook(operation, words, index, () => originals[i]!(words, index, ...values));
  });
  return () => {
    operations.forEach((operation, i) => {
      atomics[operation] = originals[i]!;
    });
  };
}

class Suspended extends Error {}

/** A thread that runs `program` one Atomics operation a step. A notify belongs to the step before it. */
export function steppedProgram(
  name: string,
  program: () => void,
  nameOf: (index: number) => string,
): SteppedThread {
  const log: number[] = [];
  let isDone = false;
  return {
    name,
    get isDone() {
      return isDone;
    },
    isReady: true,
    advance() {
      let position = 0;
      let taken = 'nothing';
      const uninstall = installHook((operation, _words, index, perform) => {
        if (operation === 'notify') return 0; // nobody sleeps in a walk
        const at = position++;
        if (at < log.length) return log[at]!;
        if (taken !== 'nothing') throw new Suspended();
        taken = `${operation} ${nameOf(index)}`;
        const result = perform();
        log.push(result);
        return result;
      });
      try {
        program();
        isDone = true;
      } catch (error) {
        if (!(error instanceof Suspended)) throw error;
      } finally {
        uninstall();
      }
      assert(position >= log.length, 'a program does the same operations when it is run again');
      return taken;
    },
  };
}

/** Notes what this thread does to the buffer of `words` until stop(): 'store ANNOUNCED' and so on, in program order. */
export function recordOperations(
  words: Int32Array,
  nameOf: (index: number) => string,
): { readonly done: string[]; stop(): void } {
  const done: string[] = [];
  const stop = installHook((operation, array, index, perform) => {
    if (array.buffer === words.buffer) done.push(`${operation} ${nameOf(index)}`);
    return perform();
  });
  return { done, stop };
}

/** What `body` does to `words`. */
export function operationsOf(
  words: Int32Array,
  nameOf: (index: number) => string,
  body: () => void,
): string[] {
  const record = recordOperations(words, nameOf);
  try {
    body();
  } finally {
    record.stop();
  }
  return record.done;
}
