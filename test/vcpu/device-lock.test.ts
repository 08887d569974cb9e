import { beforeEach, describe, expect, test } from 'vitest';
import { GraceReader } from '../../src/grace/reader.ts';
import { createControlBlock, type SharedWords, WORD_DEVICE_LOCK } from '../../src/layout/control-block.ts';
import { heldBy, LOCK_AWAITED, LOCK_FREE, lockHolder } from '../../src/layout/device-lock.ts';
import { breakDeviceLock, DeviceLock } from '../../src/vcpu/device-lock.ts';
import { ReaderSession } from '../../src/vcpu/reader-session.ts';
import {
  END,
  type Interleaving,
  SAFE,
  type Step,
  step,
  stepsOf,
  walkOrders,
} from '../support/interleavings.ts';
import { operationsOf } from '../support/stepped-atomics.ts';

const SLOT = 6;
let words: SharedWords;
let lock: DeviceLock;
const lockOf = (slot: number): DeviceLock =>
  new DeviceLock(words, new ReaderSession(words, new GraceReader(words, slot)));
beforeEach(() => {
  words = createControlBlock();
  lock = lockOf(SLOT);
});

describe('the device lock', () => {
  test('names its holder, and is free again after the outermost release', () => {
    lock.acquire();
    lock.acquire(); // a device that reaches a device under the same lock
    expect(lockHolder(words[WORD_DEVICE_LOCK]!)).toBe(SLOT);
    lock.release();
    expect(lockHolder(words[WORD_DEVICE_LOCK]!)).toBe(SLOT);
    lock.release();
    expect(words[WORD_DEVICE_LOCK]).toBe(LOCK_FREE);
  });

  test('costs two atomic operations when nobody else wants it', () => {
    const operations = operationsOf(
      words,
      () => 'LOCK',
      () => {
        lock.acquire();
        lock.release();
      },
    );
    expect(operations).toEqual(['compareExchange LOCK', 'exchange LOCK']);
  });

  test('is marked by one who sleeps; whoever gives it back then wakes one', () => {
    lock.acquire();
    const other = lockOf(SLOT + 1);
    other.patienceMs = 1;
    expect(other.acquire()).toBe(false);
    expect(words[WORD_DEVICE_LOCK]).toBe(heldBy(SLOT) | LOCK_AWAITED);
    const operations = operationsOf(
      words,
      () => 'LOCK',
      () => lock.release(),
    );
    expect(operations).toEqual(['exchange LOCK', 'notify LOCK']);
    expect(words[WORD_DEVICE_LOCK]).toBe(LOCK_FREE);
  });

  test('is not released by one who does not hold it', () => {
    expect(() => lock.release()).toThrow('the device lock is held when it is released');
  });

  test.each([0, LOCK_AWAITED])('is broken for a dead holder, and for nobody else; mark %i', (mark) => {
    lock.acquire();
    words[WORD_DEVICE_LOCK] = words[WORD_DEVICE_LOCK]! | mark;
    expect(breakDeviceLock(words, SLOT + 1)).toBe(false);
    expect(lockHolder(words[WORD_DEVICE_LOCK])).toBe(SLOT);
    expect(breakDeviceLock(words, SLOT)).toBe(true);
    expect(words[WORD_DEVICE_LOCK]).toBe(LOCK_FREE);
    expect(breakDeviceLock(words, SLOT)).toBe(false);
  });
});

describe('every order of vCPUs that want the lock', () => {
  interface Variant {
    readonly marks?: boolean;
    readonly sleepsUnconditionally?: boolean;
    readonly takesByStore?: boolean;
    readonly wokenTakesIt?: number;
    readonly looksFirst?: boolean;
  }

  /** Vcpus of slots 0 and up; `asleep` of them slept in the lock before, which one that is dead now held. */
  function world(vcpuCount: number, asleepCount: number, variant: Variant = {}): Interleaving {
    const { marks = true, sleepsUnconditionally = false, wokenTakesIt = LOCK_AWAITED } = variant;
    const shared = new Int32Array(new SharedArrayBuffer(4));
    const sleepers: number[] = [];
    let inside = 0;
    let insideMax = 0;
    const vcpu = (slot: number) => {
      const own = heldBy(slot);
      let word = LOCK_FREE;
      const enter = (): string => {
        inside += 1;
        insideMax = Math.max(insideMax, inside);
        return variant.looksFirst === true ? 'look' : 'release';
      };
      const taking: Step[] = [
        step('try', () => {
          if (variant.takesByStore === true) word = Atomics.load(shared, 0);
          else word = Atomics.compareExchange(shared, 0, LOCK_FREE, own);
          if (word !== LOCK_FREE) return 'try marked';
          return variant.takesByStore === true ? undefined : enter();
        }),
        step('take what was free', () => {
          Atomics.store(shared, 0, own);
          return enter();
        }),
        step('try marked', () => {
          word = Atomics.compareExchange(shared, 0, LOCK_FREE, own | wokenTakesIt);
          if (word === LOCK_FREE) return enter();
          return (word & LOCK_AWAITED) !== 0 || !marks ? 'sleep' : undefined;
        }),
        step('mark', () => {
          const found = Atomics.compareExchange(shared, 0, word, word | LOCK_AWAITED);
          if (found !== word) return 'try marked';
          word |= LOCK_AWAITED;
          return undefined;
        }),
        step('sleep', () => {
          if (sleepsUnconditionally || Atomics.load(shared, 0) === word) sleepers.push(slot);
        }),
        step(
          'woken',
          () => 'try marked',
          () => !sleepers.includes(slot),
        ),
      ];
      const leaving: Step[] = [
        step('look', () => {
          word = Atomics.load(shared, 0);
        }),
        step('release', () => {
          inside -= 1;
          const found = Atomics.exchange(shared, 0, LOCK_FREE);
          if (variant.looksFirst !== true) word = found;
          return word === own ? END : undefined;
        }),
        step('wake one', () => void sleepers.shift()),
      ];
      if (slot >= asleepCount) return stepsOf(`vCPU ${slot}`, ...taking, ...leaving);
      sleepers.push(slot);
      const woken = taking.at(-1)!;
      return stepsOf(
        `sleeper ${slot}`,
        woken,
        ...taking.slice(0, -1),
        step('again', () => 'woken'),
        ...leaving,
      );
    };
    const threads = Array.from({ length: vcpuCount }, (_, slot) => vcpu(slot));
    if (asleepCount > 0) {
      Atomics.store(shared, 0, heldBy(vcpuCount) | LOCK_AWAITED);
      const holder = [
        step('release', () => void Atomics.exchange(shared, 0, LOCK_FREE)),
        step('wake one', () => void sleepers.shift()),
      ];
      threads.push(stepsOf('holder', ...holder));
    }
    const verdict = (): string | null => {
      if (insideMax > 1) return 'two were inside';
      return shared[0] === LOCK_FREE ? SAFE : 'it was not given back';
    };
    return { threads, verdict };
  }

  test.each([
    [2, 0],
    [3, 2],
  ])('%i vCPUs, %i of them asleep: lets in one at a time and wakes each', (vcpus, asleep) => {
    const walk = walkOrders(() => world(vcpus, asleep));
    expect(walk.firstBad).toBe('');
    expect(walk.orders).toBeGreaterThan(10);
  });

  test.each<[string, string, Variant, number, number]>([
    ['a release that looks for waiters first', 'deadlock', { looksFirst: true }, 2, 0],
    ['a waiter that sleeps without a mark', 'deadlock', { marks: false }, 2, 0],
    ['a waiter that sleeps without comparing', 'deadlock', { sleepsUnconditionally: true }, 2, 0],
    ['a taker that looks and then stores', 'two were inside', { takesByStore: true }, 2, 0],
    ['a woken one that takes it unmarked', 'deadlock', { wokenTakesIt: 0 }, 2, 2],
  ])('the walk convicts %s', (_what, complaint, variant, vcpus, asleep) => {
    expect(walkOrders(() => world(vcpus, asleep, variant)).firstBad).toContain(complaint);
  });
});
