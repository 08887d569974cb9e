import { beforeEach, describe, expect, test } from 'vitest';
import { GraceReader } from '../../src/grace/reader.ts';
import {
  createControlBlock,
  type SharedWords,
  WORD_DEVICE_LOCK,
  WORD_DEVICE_LOCK_WAITERS,
} from '../../src/layout/control-block.ts';
import { breakDeviceLock, DeviceLock } from '../../src/vcpu/device-lock.ts';
import { ReaderSession } from '../../src/vcpu/reader-session.ts';
import { type Interleaving, SAFE, type Step, step, stepsOf, walkOrders } from '../support/interleavings.ts';
import { operationsOf } from '../support/stepped-atomics.ts';

const SLOT = 6;
let words: SharedWords;
let lock: DeviceLock;
beforeEach(() => {
  words = createControlBlock();
  lock = new DeviceLock(words, new ReaderSession(words, new GraceReader(words, SLOT)));
});

describe('the device lock', () => {
  test('names its holder, and is free again after the outermost release', () => {
    lock.acquire();
    lock.acquire(); // a device that reaches a device under the same lock
    expect(words[WORD_DEVICE_LOCK]).toBe(SLOT + 1);
    lock.release();
    expect(words[WORD_DEVICE_LOCK]).toBe(SLOT + 1);
    lock.release();
    expect(words[WORD_DEVICE_LOCK]).toBe(0);
  });

  test('costs three atomic operations when nobody else wants it', () => {
    const nameOf = (word: number): string => (word === WORD_DEVICE_LOCK ? 'LOCK' : 'WAITERS');
    expect(WORD_DEVICE_LOCK_WAITERS).not.toBe(WORD_DEVICE_LOCK);
    const operations = operationsOf(words, nameOf, () => {
      lock.acquire();
      lock.release();
    });
    expect(operations).toEqual(['compareExchange LOCK', 'store LOCK', 'load WAITERS']);
  });

  test('is not released by one who does not hold it', () => {
    expect(() => lock.release()).toThrow('the device lock is held when it is released');
  });

  test('is broken for a dead holder, and for nobody else', () => {
    lock.acquire();
    expect(breakDeviceLock(words, SLOT + 1)).toBe(false);
    expect(words[WORD_DEVICE_LOCK]).toBe(SLOT + 1);
    expect(breakDeviceLock(words, SLOT)).toBe(true);
    expect(words[WORD_DEVICE_LOCK]).toBe(0);
  });
});

describe('every order of two vCPUs that want the lock', () => {
  const RELEASE = ['release', 'look for waiters', 'wake'];
  const LOCK = 0;
  const WAITERS = 1;

  interface Variant {
    readonly release?: readonly string[];
    readonly sleepsUnconditionally?: boolean;
    readonly takesByStore?: boolean;
  }

  function world({
    release = RELEASE,
    sleepsUnconditionally = false,
    takesByStore = false,
  }: Variant): Interleaving {
    const shared = new Int32Array(new SharedArrayBuffer(8));
    const asleep = [false, false];
    let inside = 0;
    let insideMax = 0;
    const take = (owner: number): number => {
      if (!takesByStore) return Atomics.compareExchange(shared, LOCK, 0, owner);
      return Atomics.load(shared, LOCK);
    };
    const vcpu = (number: 0 | 1) => {
      const owner = number + 1;
      let holder = 0;
      let waiters = 0;
      const enterThen = (next: string): string => {
        inside += 1;
        insideMax = Math.max(insideMax, inside);
        return next;
      };
      const leaving: Record<string, Step> = {
        release: step('release', () => {
          inside -= 1;
          Atomics.store(shared, LOCK, 0);
        }),
        'look for waiters': step('look for waiters', () => {
          waiters = Atomics.load(shared, WAITERS);
        }),
        wake: step('wake', () => {
          if (waiters !== 0) asleep[1 - number] = false;
        }),
      };
      return stepsOf(
        `vCPU ${number}`,
        step('try', () => {
          holder = take(owner);
          return holder === 0 && !takesByStore ? enterThen('release') : undefined;
        }),
        step('take what was free', () => {
          if (holder !== 0) return undefined;
          Atomics.store(shared, LOCK, owner);
          return enterThen('release');
        }),
        step('count in', () => void Atomics.add(shared, WAITERS, 1)),
        step('try again', () => {
          holder = Atomics.compareExchange(shared, LOCK, 0, owner);
          return holder === 0 ? enterThen('count out') : undefined;
        }),
        step('sleep', () => {
          asleep[number] = sleepsUnconditionally || Atomics.load(shared, LOCK) === holder;
        }),
        step(
          'woken',
          () => 'try again',
          () => !asleep[number],
        ),
        step('count out', () => void Atomics.sub(shared, WAITERS, 1)),
        ...release.map((name) => leaving[name]!),
      );
    };
    return {
      threads: [vcpu(0), vcpu(1)],
      verdict: () => {
        if (insideMax > 1) return 'both were inside';
        return shared[LOCK] === 0 && shared[WAITERS] === 0 ? SAFE : 'it was not given back';
      },
    };
  }

  test('lets one in at a time and wakes the other', () => {
    const walk = walkOrders(() => world({}));
    expect(walk.firstBad).toBe('');
    expect(walk.orders).toBeGreaterThan(100);
  });

  test.each<[string, string, Variant]>([
    [
      'a release that looks for waiters first',
      'deadlock',
      { release: ['look for waiters', 'release', 'wake'] },
    ],
    ['a waiter that sleeps without comparing', 'deadlock', { sleepsUnconditionally: true }],
    ['a taker that looks and then stores', 'both were inside', { takesByStore: true }],
  ])('the walk convicts %s', (_what, complaint, variant) => {
    expect(walkOrders(() => world(variant)).firstBad).toContain(complaint);
  });
});
