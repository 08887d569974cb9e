/**
 * Every order in which the service and a vCPU can go to sleep on the ring and wake each other. Both directions have
 * one shape: who sleeps says so, looks once more, and sleeps; who has news tells them, looks whether the other
 * sleeps, and wakes it.
 *
 *   direction   says so        news          wakes by
 *   posting     RING_DOZING    RING_POSTED   an interrupt, which is counted: one that comes early is not lost
 *   answering   RING_AWAITED   RING_SERVED   Atomics.notify, which only reaches who waits; but the wait compares
 */
import { describe, expect, test } from 'vitest';
import {
  createRing,
  RING_AWAITED,
  RING_DOZING,
  RING_POSTED,
  RING_SERVED,
} from '../../src/http/access-ring.ts';
import { END, SAFE, step, stepsOf, type Walk, walkOrders } from '../support/interleavings.ts';

interface Direction {
  readonly flag: number;
  readonly news: number;
  /** Whether a wake-up before the sleep counts. */
  readonly isCounted: boolean;
}

const POSTING: Direction = { flag: RING_DOZING, news: RING_POSTED, isCounted: true };
const ANSWERING: Direction = { flag: RING_AWAITED, news: RING_SERVED, isCounted: false };

type Sleeper = 'say so' | 'look' | 'sleep';
type Waker = 'tell' | 'look' | 'wake';
const SLEEPER: readonly Sleeper[] = ['say so', 'look', 'sleep'];
const WAKER: readonly Waker[] = ['tell', 'look', 'wake'];

const walk = (direction: Direction, sleeper: readonly Sleeper[], waker: readonly Waker[]): Walk =>
  walkOrders(() => {
    const { flag, news, isCounted } = direction;
    const words = createRing();
    let wasWoken = false;
    let waits = false;
    let hasSeen = false;
    const see = (): string => {
      hasSeen = Atomics.load(words, news) === 1;
      return END;
    };
    const sleeperSteps = {
      'say so': [step('say so', () => void Atomics.store(words, flag, 1))],
      look: [step('look', () => (Atomics.load(words, news) === 1 ? 'see' : undefined))],
      sleep: [
        step('sleep', () => {
          // Atomics.wait and waitAsync compare and begin to wait in one step.
          waits = true;
          if (!isCounted && Atomics.load(words, news) === 1) wasWoken = true;
        }),
        step(
          'is woken',
          () => undefined,
          () => wasWoken,
        ),
      ],
    };
    const wakerSteps = {
      tell: step('tell', () => void Atomics.store(words, news, 1)),
      look: step('look', () => (Atomics.load(words, flag) === 0 ? END : undefined)),
      wake: step('wake', () => {
        if (isCounted || waits) wasWoken = true;
      }),
    };
    return {
      threads: [
        stepsOf('sleeper', ...sleeper.flatMap((name) => sleeperSteps[name]), step('see', see)),
        stepsOf('waker', ...waker.map((name) => wakerSteps[name])),
      ],
      verdict: () => (hasSeen ? SAFE : 'it was woken, and saw nothing'),
    };
  });

describe.each([
  ['a vCPU that dozes', POSTING],
  ['the service that awaits answers', ANSWERING],
])('%s', (_name, direction) => {
  test('never sleeps on what it has not seen', () => {
    const { deadlocks, unsafe, orders, firstBad } = walk(direction, SLEEPER, WAKER);
    expect({ deadlocks, unsafe, firstBad }).toEqual({ deadlocks: 0, unsafe: 0, firstBad: '' });
    expect(orders).toBeGreaterThan(5);
  });

  test('would, if it said so after its last look', () => {
    const order: readonly Sleeper[] = direction.isCounted
      ? ['look', 'say so', 'sleep']
      : ['sleep', 'say so', 'look'];
    expect(walk(direction, order, WAKER).deadlocks).toBeGreaterThan(0);
  });

  test('would, if who has news looked before telling them', () => {
    expect(walk(direction, SLEEPER, ['look', 'tell', 'wake']).deadlocks).toBeGreaterThan(0);
  });
});
