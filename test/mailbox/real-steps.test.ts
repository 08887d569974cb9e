/**
 * The ties of the walked and modelled protocols to the code: what each method does to shared words, in which order.
 * A test here that fails says that coalesced-interleavings.test.ts, doorbell-interleavings.test.ts and the models in
 * stress/model no longer follow the code. And the doorbell's own code under the walk.
 */
import { beforeEach, describe, expect, test } from 'vitest';
import { RING_HEAD, RING_STATE } from '../../src/layout/coalesced-ring.ts';
import { DOORBELL_AWAITED, DOORBELL_BYTES, RING_STEP } from '../../src/layout/doorbell.ts';
import {
  breakRingLock,
  CoalescedRing,
  closeRing,
  createRing,
  openRing,
  serveRing,
} from '../../src/mailbox/coalesced-ring.ts';
import { Doorbell } from '../../src/mailbox/doorbell.ts';
import { SAFE, walkOrders } from '../support/interleavings.ts';
import { operationsOf, steppedProgram } from '../support/stepped-atomics.ts';

describe('a ring of coalesced writes', () => {
  const names = new Map([
    [RING_STATE, 'STATE'],
    [RING_HEAD, 'HEAD'],
  ]);
  let ring: CoalescedRing;
  const done = (body: () => void): string[] =>
    operationsOf(ring.words, (index) => names.get(index) ?? `word ${index}`, body);
  const queue = (to: CoalescedRing): boolean => to.queue(0, 0, 4, 7, 0, 0);
  const replayer = { replay: () => {} };
  beforeEach(() => {
    const buffer = createRing();
    ring = new CoalescedRing(buffer);
    openRing(ring.words);
    serveRing(ring.words);
  });

  test('is held by one operation, and counts and is given back by one', () => {
    expect(done(() => queue(ring))).toEqual(['compareExchange STATE', 'add STATE']);
  });

  test('is held after a look where another has queued', () => {
    queue(new CoalescedRing(ring.words.buffer));
    expect(done(() => queue(ring))).toEqual([
      ...['compareExchange STATE', 'load STATE', 'compareExchange STATE', 'add STATE'],
    ]);
  });

  test('is given back as it was where it is full', () => {
    while (queue(ring));
    expect(done(() => queue(ring))).toEqual(['compareExchange STATE', 'load HEAD', 'add STATE']);
  });

  test('is replayed, and looked at, head and state in that order', () => {
    queue(ring);
    expect(done(() => ring.replayAll(replayer))).toEqual([
      ...['load HEAD', 'load STATE', 'store HEAD', 'notify HEAD'],
    ]);
    expect(done(() => void ring.isEmpty)).toEqual(['load HEAD', 'load STATE']);
  });

  test('is closed, and freed for the dead, by operations that undo no other', () => {
    expect(done(() => closeRing(ring.words))).toEqual(['or STATE']);
    expect(done(() => breakRingLock(ring.words, 0))).toEqual(['load STATE']);
  });
});

describe('a doorbell', () => {
  let words: Int32Array<SharedArrayBuffer>;
  let bell: Doorbell;
  const done = (body: () => void): string[] => operationsOf(words, () => 'RINGS', body);
  beforeEach(() => {
    words = new Int32Array(new SharedArrayBuffer(DOORBELL_BYTES));
    bell = Doorbell.from({ id: 1, words: words.buffer });
  });

  test('is rung by one operation, and by a notify where somebody waits', () => {
    expect(done(() => bell.ring())).toEqual(['add RINGS']);
    words[0] = DOORBELL_AWAITED;
    expect(done(() => bell.ring())).toEqual(['add RINGS', 'notify RINGS']);
  });

  test('is taken by one, and who had marked it is woken', () => {
    expect(done(() => bell.take())).toEqual(['load RINGS']);
    words[0] = RING_STEP;
    expect(done(() => bell.take())).toEqual(['load RINGS', 'exchange RINGS']);
    words[0] = RING_STEP | DOORBELL_AWAITED;
    expect(done(() => bell.take())).toEqual(['load RINGS', 'exchange RINGS', 'notify RINGS']);
  });

  test('is marked before a sleep, and after it', () => {
    expect(done(() => bell.wait(1))).toEqual(['compareExchange RINGS', 'compareExchange RINGS']);
    expect(words[0]).toBe(DOORBELL_AWAITED); // left by one that gave up
  });

  test('loses no ring and counts none twice in any order of its own operations', () => {
    const walk = walkOrders(() => {
      const shared = new SharedArrayBuffer(DOORBELL_BYTES);
      const end = (): Doorbell => Doorbell.from({ id: 1, words: shared });
      const taken = [0, 0];
      const take = (consumer: number) => (): void => {
        taken[consumer] = end().take();
      };
      const rings = (): void => end().ring();
      return {
        threads: [
          steppedProgram('ringer', rings, () => 'RINGS'),
          steppedProgram('other ringer', rings, () => 'RINGS'),
          steppedProgram('taker', take(0), () => 'RINGS'),
          steppedProgram('other taker', take(1), () => 'RINGS'),
        ],
        verdict: () => {
          const sum = taken[0]! + taken[1]! + end().take();
          return sum === 2 ? SAFE : `${sum} of 2 rings were taken`;
        },
      };
    });
    expect(walk.firstBad).toBe('');
    expect(walk.orders).toBeGreaterThan(50);
  });
});
