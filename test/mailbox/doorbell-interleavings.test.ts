/** Rings and consumers: every order of the steps of src/mailbox/doorbell.ts, as a model. */
import { describe, expect, test } from 'vitest';
import { DOORBELL_AWAITED, RING_STEP, ringCount } from '../../src/layout/doorbell.ts';
import {
  END,
  type Interleaving,
  SAFE,
  type SteppedThread,
  step,
  stepsOf,
  walkOrders,
} from '../support/interleavings.ts';

const WORD = 0;
/** Rings that every order makes. */
const RINGS = 2;

type Mistake =
  | 'none'
  | 'looks for the mark before it rings'
  | 'sleeps without a mark'
  | 'sleeps whatever the word is'
  | 'takes by a load and a store'
  | 'takes a mark away in silence';

/** The word, who sleeps on it, and what was taken. */
class Bell {
  readonly words = new Int32Array(new SharedArrayBuffer(4));
  taken = 0;
  private asleep = new Set<string>();
  private readonly mistake: Mistake;

  constructor(mistake: Mistake) {
    this.mistake = mistake;
  }

  /** Doorbell.ring, so many times. */
  ringer(name: string, times: number): SteppedThread {
    const { words, mistake } = this;
    let before = 0;
    let rung = 0;
    const again = (): string => (rung === times ? END : looksFirst ? 'look' : 'add');
    const looksFirst = mistake === 'looks for the mark before it rings';
    const look = step('look', () => {
      before = Atomics.load(words, WORD);
    });
    const add = step('add', () => {
      const found = Atomics.add(words, WORD, RING_STEP);
      if (!looksFirst) before = found;
      rung += 1;
      return (before & DOORBELL_AWAITED) !== 0 ? undefined : again();
    });
    const notify = step('notify', () => {
      this.wakeAll();
      return again();
    });
    return stepsOf(name, ...(looksFirst ? [look] : []), add, notify);
  }

  /** Doorbell.take, once. */
  taker(name: string): SteppedThread {
    const look = step('look', () => (ringCount(Atomics.load(this.words, WORD)) === 0 ? END : undefined));
    return stepsOf(name, look, ...this.takeSteps(() => END));
  }

  /** Doorbell.wait, again until all rings are taken; whoever then still sleeps is told to stop by other means. */
  waiter(name: string): SteppedThread {
    const { words, mistake } = this;
    const isOver = (): boolean => this.taken === RINGS;
    const marks = mistake !== 'sleeps without a mark';
    const mark = step(
      'mark',
      () => {
        if (isOver()) return END;
        const found = marks
          ? Atomics.compareExchange(words, WORD, 0, DOORBELL_AWAITED)
          : Atomics.load(words, WORD);
        return ringCount(found) === 0 ? 'sleep' : undefined;
      },
      () => isOver() || !this.asleep.has(name),
    );
    // Comparing and falling asleep are one step: Atomics.wait.
    const sleep = step('sleep', () => {
      const expected = marks ? DOORBELL_AWAITED : 0;
      if (mistake === 'sleeps whatever the word is' || Atomics.load(words, WORD) === expected)
        this.asleep.add(name);
      return 'mark';
    });
    return stepsOf(name, mark, ...this.takeSteps(() => (isOver() ? END : 'mark')), sleep);
  }

  /** Doorbell.wait with a time-out, or next with a signal: gives up sometime, and leaves its mark. */
  quitter(name: string): SteppedThread {
    const { words } = this;
    const mark = step('mark', () => {
      const found = Atomics.compareExchange(words, WORD, 0, DOORBELL_AWAITED);
      return ringCount(found) === 0 ? 'sleep' : undefined;
    });
    const sleep = step('sleep', () => {
      if (Atomics.load(words, WORD) === DOORBELL_AWAITED) this.asleep.add(name);
    });
    const giveUp = step('give up', () => void this.asleep.delete(name));
    return stepsOf(name, mark, ...this.takeSteps(() => END), sleep, giveUp);
  }

  /** waiter(), each of which has fallen asleep. */
  sleepers(...names: readonly string[]): SteppedThread[] {
    this.words[WORD] = DOORBELL_AWAITED;
    this.asleep = new Set(names);
    return names.map((name) => this.waiter(name));
  }

  private takeSteps(then: () => string) {
    const { words, mistake } = this;
    const inTwo = mistake === 'takes by a load and a store';
    let found = 0;
    const wakesOthers = (): boolean =>
      (found & DOORBELL_AWAITED) !== 0 && mistake !== 'takes a mark away in silence';
    const account = (): string | undefined => {
      this.taken += ringCount(found);
      return wakesOthers() ? undefined : then();
    };
    const take = step('take', () => {
      found = Atomics.exchange(words, WORD, 0);
      return account();
    });
    const load = step('load all', () => {
      found = Atomics.load(words, WORD);
    });
    const store = step('store 0', () => {
      Atomics.store(words, WORD, 0);
      return account();
    });
    const wake = step('wake those who marked', () => {
      this.wakeAll();
      return then();
    });
    return inTwo ? [load, store, wake] : [take, wake];
  }

  private wakeAll(): void {
    this.asleep = new Set();
  }
}

type Cast =
  | 'one that waits'
  | 'two that sleep'
  | 'one that waits, and one that takes'
  | 'one that waits, and one that gives up';

function world(cast: Cast, mistake: Mistake): Interleaving {
  const bell = new Bell(mistake);
  const consumers = {
    'one that waits': () => [bell.waiter('consumer')],
    'two that sleep': () => bell.sleepers('consumer', 'other'),
    'one that waits, and one that takes': () => [bell.waiter('consumer'), bell.taker('taker')],
    'one that waits, and one that gives up': () => [bell.waiter('consumer'), bell.quitter('quitter')],
  }[cast]();
  // Two threads ring where that does not make too many orders.
  const ringers =
    cast === 'two that sleep' || cast === 'one that waits, and one that gives up'
      ? [bell.ringer('ringer', RINGS)]
      : [bell.ringer('ringer', 1), bell.ringer('other ringer', RINGS - 1)];
  return {
    threads: [...consumers, ...ringers],
    verdict: () =>
      bell.taken === RINGS && ringCount(bell.words[WORD]!) === 0
        ? SAFE
        : `took ${bell.taken} of ${RINGS} rings`,
  };
}

test.each<Cast>([
  'one that waits',
  'two that sleep',
  'one that waits, and one that takes',
  'one that waits, and one that gives up',
])('every order takes each ring once, and nobody sleeps through one: %s', (cast) => {
  const walk = walkOrders(() => world(cast, 'none'));
  expect(walk.firstBad).toBe('');
  expect(walk.orders).toBeGreaterThan(20);
});

describe('the walk convicts', () => {
  test.each<[Mistake, Cast]>([
    ['looks for the mark before it rings', 'one that waits'],
    ['sleeps without a mark', 'one that waits'],
    ['sleeps whatever the word is', 'one that waits'],
    ['takes by a load and a store', 'one that waits'],
    ['takes a mark away in silence', 'one that waits, and one that takes'],
    ['takes a mark away in silence', 'one that waits, and one that gives up'],
  ])('one that %s', (mistake, cast) => {
    const walk = walkOrders(() => world(cast, mistake));
    expect(walk.deadlocks + walk.unsafe).toBeGreaterThan(0);
  });
});
