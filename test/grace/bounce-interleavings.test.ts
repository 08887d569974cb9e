/**
 * The bounce budget under the walk: the real BounceBudget, cut at each Atomics operation, for the sum; named steps
 * for who waits for bytes; and what is left when a thread dies.
 */
import { describe, expect, test } from 'vitest';
import { BounceBudget, endBounceUse, setBounceBytesMax } from '../../src/grace/bounce-budget.ts';
import {
  bounceUsedWord,
  createControlBlock,
  READER_INTERRUPTS,
  READER_MAP_CLIENTS,
  readerWord,
} from '../../src/layout/control-block.ts';
import { SAFE, type Step, step, stepsOf, type Walk, walkOrders } from '../support/interleavings.ts';
import { operationsOf, steppedProgram } from '../support/stepped-atomics.ts';

const nameOf = (index: number): string => `word ${index}`;

test('the real take() of two threads: no order takes more than there is, or leaves bytes while one got none', () => {
  const result = walkOrders(() => {
    const words = createControlBlock(102);
    for (const slot of [0, 1]) new BounceBudget(words, slot).take(0, 1); // so that the walk is of the sum alone
    const taken = [0, 0];
    const thread = (slot: number, wanted: number) =>
      steppedProgram(
        `taker ${slot}`,
        () => (taken[slot] = new BounceBudget(words, slot).take(0, wanted)),
        nameOf,
      );
    return {
      threads: [thread(0, 60), thread(1, 70)],
      verdict: () => {
        const sum = taken[0]! + taken[1]!;
        if (sum !== 100) return `took ${taken.join(' + ')} of 100`;
        return words[bounceUsedWord(0)] === sum + 2 ? SAFE : 'the sum is wrong';
      },
    };
  });
  expect(result.firstBad).toBe('');
  expect(result.orders).toBeGreaterThan(50);
});

/** One word that is the budget's, one that says that a client waits, and the sleep of waitForInterrupt(). */
class Waiting {
  readonly words = new Int32Array(new SharedArrayBuffer(16)); // left, clients, interrupts
  isCalled = false;
  isAsleep = false;
  private seen = 0;
  private waits = 0;

  announce = step('announce client', () => Atomics.store(this.words, 1, 1));
  look = step('look at budget', () => {
    if (Atomics.load(this.words, 0) > 0) this.isCalled = true;
  });
  loadInterrupts = step('load INTERRUPTS', () => {
    this.seen = Atomics.load(this.words, 2);
  });
  sleep = step('wait', () => {
    this.isAsleep = !this.isCalled && Atomics.load(this.words, 2) === this.seen;
  });
  wake = step(
    'wake',
    () => {},
    () => !this.isAsleep,
  );
  lookAgain = step('look again', () => {
    if (Atomics.load(this.words, 0) > 0) this.isCalled = true;
  });

  give = step('give back', () => Atomics.store(this.words, 0, 1));
  loadClients = step('load clients', () => {
    this.waits = Atomics.load(this.words, 1);
  });
  interrupt = step('interrupt', () => {
    if (this.waits === 0) return;
    Atomics.add(this.words, 2, 1);
    this.isAsleep = false;
  });
}

function walk(client: (w: Waiting) => Step[], giver: (w: Waiting) => Step[]): Walk {
  return walkOrders(() => {
    const w = new Waiting();
    return {
      threads: [stepsOf('client', ...client(w)), stepsOf('giver', ...giver(w))],
      verdict: () => (w.isCalled ? SAFE : 'the client was never called'),
    };
  });
}

const client = (w: Waiting) => [w.announce, w.loadInterrupts, w.look, w.sleep, w.wake, w.lookAgain];
const giver = (w: Waiting) => [w.give, w.loadClients, w.interrupt];

describe('a client that waits for bytes', () => {
  test('is woken in every order', () => {
    const result = walk(client, giver);
    expect(result).toMatchObject({ firstBad: '', unsafe: 0, deadlocks: 0 });
    expect(result.orders).toBeGreaterThan(20);
  });
  test('wrong: it looks before it announces itself', () => {
    const looksFirst = (w: Waiting) => [w.loadInterrupts, w.look, w.announce, w.sleep, w.wake, w.lookAgain];
    expect(walk(looksFirst, giver).deadlocks).toBeGreaterThan(0);
  });
  test('wrong: it looks at its interrupts after the budget', () => {
    const late = (w: Waiting) => [w.announce, w.look, w.loadInterrupts, w.sleep, w.wake, w.lookAgain];
    expect(walk(late, giver).deadlocks).toBeGreaterThan(0);
  });
  test('wrong: the giver looks for clients before it gives', () => {
    expect(walk(client, (w) => [w.loadClients, w.give, w.interrupt]).deadlocks).toBeGreaterThan(0);
  });
});

describe('the code', () => {
  const words = createControlBlock(100);
  const names = new Map([
    [bounceUsedWord(7), 'USED'],
    [readerWord(2) + READER_MAP_CLIENTS, 'CLIENTS'],
    [readerWord(2) + READER_INTERRUPTS, 'INTERRUPTS'],
  ]);
  const named = (body: () => void) =>
    operationsOf(words, (index) => names.get(index) ?? '', body).filter((each) => !each.endsWith(' '));

  test('gives back, then looks for clients, then interrupts those that wait', () => {
    const budget = new BounceBudget(words, 1);
    expect(budget.take(7, 30)).toBe(30);
    new BounceBudget(words, 2).announceClients(1);
    expect(named(() => budget.give(7, 30))).toEqual([
      ...['load USED', 'compareExchange USED'],
      ...['load CLIENTS', 'add INTERRUPTS', 'notify INTERRUPTS'],
    ]);
    expect(named(() => setBounceBytesMax(words, 7, 200))).toEqual([
      'load CLIENTS',
      'add INTERRUPTS',
      'notify INTERRUPTS',
    ]);
  });

  test('a thread that dies gives all of it back, and waits no more', () => {
    const dies = new BounceBudget(words, 2);
    const lives = new BounceBudget(words, 3);
    dies.take(4, 60);
    dies.take(5, 50);
    dies.announceClients(1);
    expect([lives.take(4, 60), lives.take(4, 1)]).toEqual([40, 0]);
    endBounceUse(words, 2);
    endBounceUse(words, 2);
    expect([lives.left(4), lives.left(5)]).toEqual([60, 100]);
    expect(words[readerWord(2) + READER_MAP_CLIENTS]).toBe(0);
  });

  test.each(['noted, not yet taken', 'given back, not yet struck out'])(
    'one that dies when it has %s loses nothing',
    (when) => {
      const words = createControlBlock(100);
      const lives = new BounceBudget(words, 3);
      lives.take(0, 40);
      const program = (): void => {
        const dies = new BounceBudget(words, 2);
        dies.take(0, 60);
        dies.give(0, 60);
      };
      const thread = steppedProgram('dies', program, (index) => (index === bounceUsedWord(0) ? 'USED' : ''));
      let exchanges = 0;
      const last = when.startsWith('noted') ? 'load USED' : 'compareExchange USED';
      while (!thread.isDone) {
        const taken = thread.advance();
        if (taken === 'compareExchange USED') exchanges += 1;
        if (taken === last && (last === 'load USED' || exchanges === 2)) break;
      }
      endBounceUse(words, 2);
      expect(lives.left(0)).toBeGreaterThanOrEqual(60);
      lives.give(0, 40);
      expect(lives.left(0)).toBe(100);
    },
  );

  test('an ended reader gives nothing back twice', () => {
    const budget = new BounceBudget(words, 9);
    budget.take(8, 10);
    budget.end();
    endBounceUse(words, 9);
    budget.give(8, 10);
    budget.announceClients(3);
    expect([budget.left(8), words[readerWord(9) + READER_MAP_CLIENTS]]).toEqual([100, 0]);
  });
});
