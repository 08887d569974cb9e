/**
 * Every order of the wake-up protocol: the control thread sets AWAITED and sleeps on ANNOUNCED, a reader
 * announces and notifies only if AWAITED is set. No wake-up may be lost, or reclamation would stand still
 * until the time-out; and a time-out must not be taken for an announcement.
 */
import { describe, expect, test } from 'vitest';
import { END, SAFE, type Step, step, stepsOf, type Walk, walkOrders } from '../support/interleavings.ts';

const ANNOUNCED = 0;
const AWAITED = 1;
const OLD = 1;
const NEW = 3;

/** The shared words and the list of sleepers, which Atomics.wait keeps under one lock with its compare. */
class Sleep {
  readonly words = new Int32Array(new SharedArrayBuffer(8));
  asleep = false;
  timedOut = false;
  reusedEarly = false;
  private seen = OLD;

  constructor() {
    this.words[ANNOUNCED] = OLD;
  }

  setAwaited = step('set AWAITED', () => Atomics.store(this.words, AWAITED, 1));
  clearAwaited = step('clear AWAITED', () => {
    Atomics.store(this.words, AWAITED, 0);
    return 'load ANNOUNCED to poll';
  });
  look = step('load ANNOUNCED', () => {
    this.seen = Atomics.load(this.words, ANNOUNCED);
    return this.seen === NEW ? 'clear AWAITED' : undefined;
  });
  poll = step('load ANNOUNCED to poll', () =>
    Atomics.load(this.words, ANNOUNCED) === NEW ? 'reuse' : undefined,
  );
  compareAndSleep = step('waitAsync', () => {
    this.asleep = Atomics.load(this.words, ANNOUNCED) === this.seen;
  });
  wake = step(
    'wake',
    () => {},
    () => !this.asleep || this.timedOut,
  );
  reuse = step('reuse', () => {
    this.reusedEarly = Atomics.load(this.words, ANNOUNCED) !== NEW;
    return END;
  });

  announce = step('announce', () => Atomics.store(this.words, ANNOUNCED, NEW));
  /** What a reader does that loaded AWAITED as `awaited`. */
  notify = (awaited: () => number): Step =>
    step('notify', () => {
      if (awaited() !== 0) this.asleep = false;
    });
}

/** GraceWriter's loop: poll(), then readerMoves(), then again. */
const loop = (s: Sleep): Step[] => [
  ...[s.poll, s.setAwaited, s.look, s.compareAndSleep, s.wake, s.clearAwaited],
  s.reuse,
];

function reader(sleep: Sleep, order: 'announce first' | 'AWAITED first' = 'announce first'): Step[] {
  let awaited = 0;
  const look = step('load AWAITED', () => {
    awaited = Atomics.load(sleep.words, AWAITED);
  });
  const notify = sleep.notify(() => awaited);
  return order === 'announce first' ? [sleep.announce, look, notify] : [look, sleep.announce, notify];
}

function walk(
  writer: (sleep: Sleep) => Step[],
  readerSteps: (sleep: Sleep) => Step[] = reader,
  more: (sleep: Sleep) => Step[] = () => [],
): Walk {
  return walkOrders(() => {
    const sleep = new Sleep();
    const threads = [stepsOf('writer', ...writer(sleep)), stepsOf('reader', ...readerSteps(sleep))];
    const others = more(sleep);
    if (others.length > 0) threads.push(stepsOf('clock', ...others));
    return { threads, verdict: () => (sleep.reusedEarly ? 'reused before the announcement' : SAFE) };
  });
}

const timeOut = (sleep: Sleep): Step[] => [
  step('time-out', () => {
    sleep.timedOut = true;
  }),
];

describe('no order loses the wake-up', () => {
  test('a reader that announces while the writer goes to sleep', () => {
    const result = walk(loop);
    expect(result.firstBad).toBe('');
    expect(result).toMatchObject({ unsafe: 0, deadlocks: 0 });
    expect(result.orders).toBeGreaterThan(50);
  });
  test('nor does a time-out at any moment end the wait too early', () => {
    // After the time-out the loop may sleep again; `timedOut` stays set, so that sleep ends at once too.
    const awaitsAfterTimeOut = (s: Sleep): Step[] => [
      ...[s.setAwaited, s.look, s.compareAndSleep, s.wake],
      step('clear AWAITED', () => Atomics.store(s.words, AWAITED, 0)),
      step('load ANNOUNCED to poll', () => (Atomics.load(s.words, ANNOUNCED) === NEW ? 'reuse' : END)),
      s.reuse,
    ];
    expect(walk(awaitsAfterTimeOut, reader, timeOut)).toMatchObject({ unsafe: 0, deadlocks: 0 });
  });
});

describe('wrong protocols are convicted', () => {
  const losesWakeUp = (result: Walk): void => {
    expect(result.deadlocks).toBeGreaterThan(0);
    expect(result.firstBad).toContain('deadlock: writer cannot go on');
  };
  test('a reader that looks at AWAITED before it announces', () => {
    losesWakeUp(walk(loop, (sleep) => reader(sleep, 'AWAITED first')));
  });
  test('a reader that never looks at AWAITED', () => {
    losesWakeUp(walk(loop, (sleep) => [sleep.announce]));
  });
  test('a writer that sets AWAITED when it sleeps already', () => {
    losesWakeUp(
      walk((s) => [s.poll, s.look, s.compareAndSleep, s.setAwaited, s.wake, s.clearAwaited, s.reuse]),
    );
  });
  test('a writer that sleeps whatever ANNOUNCED is', () => {
    const sleepsBlindly = (s: Sleep): Step[] => {
      const blind = step('sleep', () => {
        s.asleep = true;
      });
      return [s.poll, s.setAwaited, blind, s.wake, s.clearAwaited, s.reuse];
    };
    losesWakeUp(walk(sleepsBlindly));
  });
  test('a writer that takes a time-out for an announcement', () => {
    const impatient = (s: Sleep): Step[] => [s.setAwaited, s.look, s.compareAndSleep, s.wake, s.reuse];
    const result = walk(
      (s) => impatient(s).map((each) => (each === s.look ? step('look', () => void s.look.run()) : each)),
      reader,
      timeOut,
    );
    expect(result.unsafe).toBeGreaterThan(0);
  });
});
