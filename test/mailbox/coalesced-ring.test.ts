import { describe, expect, test } from 'vitest';
import {
  RING_ENTRY_COUNT_MAX,
  RING_HEAD,
  RING_LOCK,
  RING_OPEN,
  RING_SERVED,
  RING_TAIL,
  RING_TAKEN,
} from '../../src/layout/coalesced-ring.ts';
import { breakRingLock, CoalescedRing, createRing, type Replayer } from '../../src/mailbox/coalesced-ring.ts';

const SLOT = 5;

class Recorder implements Replayer {
  readonly seen: number[][] = [];
  onReplay: () => void = () => {};
  replay(...write: Parameters<Replayer['replay']>): void {
    this.seen.push(write);
    this.onReplay();
  }
  get values(): number[] {
    return this.seen.map(([, , , valueLo]) => valueLo!);
  }
}

function openRing(): CoalescedRing {
  const ring = new CoalescedRing(createRing());
  ring.words[RING_OPEN] = 1;
  ring.words[RING_SERVED] = 1;
  return ring;
}
const queue = (ring: CoalescedRing, value: number): boolean => ring.queue(SLOT, 8, 4, value, 0, 0);

describe('a ring', () => {
  test('replays what was written: slot, offset beyond 2^32, size, both halves, attributes', () => {
    const ring = openRing();
    expect(ring.queue(SLOT, 2 ** 40 + 4, 8, 0x8000_0001, -2, 0x77)).toBe(true);
    expect(ring.queue(9, 6, 2, 0xffff, 0, 0)).toBe(true);
    const recorder = new Recorder();
    ring.replayAll(recorder);
    expect(recorder.seen).toEqual([
      [SLOT, 2 ** 40 + 4, 8, 0x8000_0001, -2, 0x77],
      [9, 6, 2, 0xffff, 0, 0],
    ]);
    expect(ring.isEmpty).toBe(true);
  });

  test.each([
    ['from the start', 0],
    ['where the counts wrap at 2^32', -100],
  ])('keeps the order over many rounds, and takes no more than it holds: %s', (_where, start) => {
    const ring = openRing();
    for (const word of [RING_TAIL, RING_TAKEN, RING_HEAD]) ring.words[word] = start;
    const recorder = new Recorder();
    let queued = 0;
    for (let round = 0; round < 3; round += 1) {
      while (queue(ring, queued)) queued += 1;
      expect(queued).toBe((round + 1) * RING_ENTRY_COUNT_MAX);
      ring.replayAll(recorder);
    }
    expect(recorder.values).toEqual(Array.from({ length: queued }, (_, i) => i));
  });

  test.each([
    ['not open', RING_OPEN, 0],
    ['not served by its home', RING_SERVED, 0],
    ['held by another thread', RING_LOCK, 7],
  ])('that is %s takes nothing', (_what, word, value) => {
    const ring = openRing();
    ring.words[word] = value;
    expect([queue(ring, 1), ring.isEmpty]).toEqual([false, true]);
  });
});

describe('a replay', () => {
  test('ends with what was queued before, and is not begun again from inside', () => {
    const ring = openRing();
    queue(ring, 1);
    queue(ring, 2);
    const recorder = new Recorder();
    recorder.onReplay = () => {
      queue(ring, 10 + recorder.seen.length);
      ring.replayAll(recorder);
    };
    ring.replayAll(recorder);
    expect([recorder.values, ring.isEmpty]).toEqual([[1, 2], false]);
    recorder.onReplay = () => {};
    ring.replayAll(recorder);
    expect([recorder.values, ring.isEmpty]).toEqual([[1, 2, 11, 12], true]);
  });

  test('in progress is seen: the ring is not empty before the last write is done', () => {
    const ring = openRing();
    const other = new CoalescedRing(ring.words.buffer);
    queue(ring, 1);
    const recorder = new Recorder();
    const during: boolean[] = [];
    recorder.onReplay = () => during.push(other.isEmpty);
    ring.replayAll(recorder);
    expect([during, other.isEmpty]).toEqual([[false], true]);
  });

  test('of a thread that died in the middle is gone on with, and repeats nothing', () => {
    const ring = openRing();
    for (const value of [1, 2]) queue(ring, value);
    ring.words[RING_TAKEN] = 1; // it had begun with the first
    const recorder = new Recorder();
    ring.replayAll(recorder);
    expect([recorder.values, ring.isEmpty]).toEqual([[2], true]);
    queue(ring, 3);
    ring.words[RING_TAKEN] = 3; // and another with the last
    ring.replayAll(recorder);
    expect([recorder.values, ring.isEmpty]).toEqual([[2], true]);
  });
});

describe('the lock of a thread that died', () => {
  test('is broken for its slot only; what it queued whole is replayed, what not is not there', () => {
    const ring = openRing();
    queue(ring, 1);
    ring.words[RING_LOCK] = SLOT + 1;
    breakRingLock(ring.words, SLOT + 1);
    expect(ring.words[RING_LOCK]).toBe(SLOT + 1);
    breakRingLock(ring.words, SLOT);
    expect(queue(ring, 2)).toBe(true);
    const recorder = new Recorder();
    ring.replayAll(recorder);
    expect(recorder.values).toEqual([1, 2]);
  });
});
