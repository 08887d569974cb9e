import { describe, expect, test } from 'vitest';
import {
  heldState,
  isHeldBy,
  queuedCount,
  RING_ENTRY_COUNT_MAX,
  RING_HEAD,
  RING_HEAD_SEEN,
  RING_STATE,
  RING_TAKEN,
  RING_UNKNOWN,
  RING_UNSERVED,
} from '../../src/layout/coalesced-ring.ts';
import {
  breakRingLock,
  CoalescedRing,
  closeRing,
  createRing,
  openRing,
  type Replayer,
  serveRing,
} from '../../src/mailbox/coalesced-ring.ts';

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

function newRing(): CoalescedRing {
  const ring = new CoalescedRing(createRing());
  openRing(ring.words);
  serveRing(ring.words);
  return ring;
}
const queue = (ring: CoalescedRing, value: number): boolean => ring.queue(SLOT, 8, 4, value, 0, 0);

describe('a ring', () => {
  test('replays what was written: slot, offset beyond 2^32, size, both halves, attributes', () => {
    const ring = newRing();
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
    ['where the count of the queued wraps at 2^21', 2 ** 21 - 100],
    ['where the counts of the replayed wrap at 2^32', -100],
  ])('keeps the order over many rounds, and takes no more than it holds: %s', (_where, start) => {
    const ring = newRing();
    for (const word of [RING_HEAD_SEEN, RING_TAKEN, RING_HEAD]) ring.words[word] = start;
    ring.words[RING_STATE] = queuedCount(start);
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
    ['not known to every thread', RING_UNKNOWN],
    ['not served by its home', RING_UNSERVED],
    ['held by another thread', heldState(0, 6)],
  ])('that is %s takes nothing', (_what, state) => {
    const ring = newRing();
    ring.words[RING_STATE] = state;
    expect([queue(ring, 1), ring.isEmpty]).toEqual([false, true]);
  });

  test('takes writes of several threads in turn, whatever each expects', () => {
    const ring = newRing();
    const other = new CoalescedRing(ring.words.buffer);
    for (let value = 0; value < 6; value += 2) {
      expect([queue(ring, value), queue(other, value + 1)]).toEqual([true, true]);
    }
    const recorder = new Recorder();
    other.replayAll(recorder);
    expect(recorder.values).toEqual([0, 1, 2, 3, 4, 5]);
  });

  test('that is closed takes nothing more, and keeps what it has', () => {
    const ring = newRing();
    queue(ring, 1);
    closeRing(ring.words);
    expect([queue(ring, 2), queue(new CoalescedRing(ring.words.buffer), 3)]).toEqual([false, false]);
    const recorder = new Recorder();
    ring.replayAll(recorder);
    expect([recorder.values, ring.isEmpty]).toEqual([[1], true]);
  });

  test('is due after every 128th write', () => {
    const ring = newRing();
    const due = Array.from({ length: RING_ENTRY_COUNT_MAX }, (_, n) =>
      queue(ring, n) && ring.isDue ? [n] : [],
    );
    expect(due.flat()).toEqual([127, 255]);
  });

  test('tells how far its replay will be once all is done', () => {
    const ring = newRing();
    for (const word of [RING_HEAD_SEEN, RING_TAKEN, RING_HEAD]) ring.words[word] = -1;
    ring.words[RING_STATE] = queuedCount(-1);
    queue(ring, 1);
    queue(ring, 2);
    const { headWhenDone } = ring;
    ring.replayAll(new Recorder());
    expect([headWhenDone, ring.words[RING_HEAD]]).toEqual([1, 1]);
  });
});

describe('a replay', () => {
  test('ends with what was queued before, and is not begun again from inside', () => {
    const ring = newRing();
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
    const ring = newRing();
    const other = new CoalescedRing(ring.words.buffer);
    queue(ring, 1);
    const recorder = new Recorder();
    const during: boolean[] = [];
    recorder.onReplay = () => during.push(other.isEmpty);
    ring.replayAll(recorder);
    expect([during, other.isEmpty]).toEqual([[false], true]);
  });

  test('of a thread that died in the middle is gone on with, and repeats nothing', () => {
    const ring = newRing();
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
    const ring = newRing();
    queue(ring, 1);
    ring.words[RING_STATE] = heldState(1, SLOT);
    breakRingLock(ring.words, SLOT + 1);
    expect(isHeldBy(ring.words[RING_STATE]!, SLOT)).toBe(true);
    breakRingLock(ring.words, SLOT);
    expect(queue(ring, 2)).toBe(true);
    const recorder = new Recorder();
    ring.replayAll(recorder);
    expect(recorder.values).toEqual([1, 2]);
  });
});
