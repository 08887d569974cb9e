/** Rings and a consumer that waits: every order of the steps of src/mailbox/doorbell.ts, as a model. */
import { describe, expect, test } from 'vitest';
import {
  END,
  type Interleaving,
  SAFE,
  type Step,
  step,
  stepsOf,
  walkOrders,
} from '../support/interleavings.ts';

const COUNT = 0;
const WAITERS = 1;
/** Rings that every order makes. */
const RINGS = 2;

const RINGER = ['add', 'look for waiters', 'notify'];
const WAITER = ['count oneself', 'take', 'sleep', 'woken', 'uncount oneself'];

function world(ringer: readonly string[], waiter: readonly string[], ringers = 2): Interleaving {
  const words = new Int32Array(new SharedArrayBuffer(8));
  let asleep = false;
  let taken = 0;
  const ringing = (): Step[] => {
    let waiters = 0;
    const steps: Record<string, Step> = {
      add: step('add', () => void Atomics.add(words, COUNT, 1)),
      'look for waiters': step('look for waiters', () => {
        waiters = Atomics.load(words, WAITERS);
      }),
      notify: step('notify', () => {
        if (waiters !== 0) asleep = false;
      }),
    };
    return ringer.map((name) => steps[name]!);
  };
  let seen = 0;
  const waiting: Record<string, Step> = {
    'count oneself': step('count oneself', () => void Atomics.add(words, WAITERS, 1)),
    take: step('take', () => {
      taken += Atomics.exchange(words, COUNT, 0);
      return taken === RINGS ? 'uncount oneself' : undefined;
    }),
    'load the count': step('load the count', () => {
      seen = Atomics.load(words, COUNT);
    }),
    'store 0': step('store 0', () => {
      Atomics.store(words, COUNT, 0);
      taken += seen;
      return taken === RINGS ? 'uncount oneself' : undefined;
    }),
    // Comparing and falling asleep are one step: Atomics.wait.
    sleep: step('sleep', () => {
      asleep = Atomics.load(words, COUNT) === 0;
    }),
    'sleep blindly': step('sleep blindly', () => {
      asleep = true;
    }),
    woken: step(
      'woken',
      () => (waiter.includes('take') ? 'take' : 'load the count'),
      () => !asleep,
    ),
    'uncount oneself': step('uncount oneself', () => {
      Atomics.sub(words, WAITERS, 1);
      return END;
    }),
  };
  return {
    threads: [
      stepsOf('consumer', ...waiter.map((name) => waiting[name]!)),
      ...Array.from({ length: ringers }, (_, i) => stepsOf(`ringer ${i}`, ...ringing())),
    ],
    verdict: () => (taken === RINGS && words[COUNT] === 0 ? SAFE : `took ${taken} of ${RINGS} rings`),
  };
}

test('every order wakes the consumer, which takes each ring once', () => {
  const walk = walkOrders(() => world(RINGER, WAITER));
  expect(walk.firstBad).toBe('');
  expect(walk.orders).toBeGreaterThan(1000);
});

describe('the walk convicts', () => {
  test.each([
    ['a ringer that looks for waiters first', ['look for waiters', 'add', 'notify'], WAITER],
    [
      'a waiter that counts itself when it sleeps',
      RINGER,
      ['take', 'sleep', 'count oneself', 'woken', 'uncount oneself'],
    ],
    ['a waiter that sleeps whatever the count is', RINGER, WAITER.with(2, 'sleep blindly')],
    [
      'a consumer that takes by a load and a store',
      RINGER,
      WAITER.toSpliced(1, 1, 'load the count', 'store 0'),
    ],
  ])('%s', (_what, ringer, waiter) => {
    const walk = walkOrders(() => world(ringer, waiter));
    expect(walk.deadlocks + walk.unsafe).toBeGreaterThan(0);
  });
});
