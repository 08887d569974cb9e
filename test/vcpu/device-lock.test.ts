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
  type SteppedThread,
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

  /** The lock and who is in it or sleeps on it. */
  class Scene {
    readonly word = new Int32Array(new SharedArrayBuffer(4));
    readonly sleepers: number[] = [];
    insideMax = 0;
    private inside = 0;

    enter(next: string): string {
      this.inside += 1;
      this.insideMax = Math.max(this.insideMax, this.inside);
      return next;
    }

    leave(): number {
      this.inside -= 1;
      return Atomics.exchange(this.word, 0, LOCK_FREE);
    }
  }

  function vcpu(slot: number, scene: Scene, isAsleep: boolean, variant: Variant): SteppedThread {
    const { marks = true, sleepsUnconditionally = false, wokenTakesIt = LOCK_AWAITED } = variant;
    const { word: shared, sleepers } = scene;
    const own = heldBy(slot);
    const entered = variant.looksFirst === true ? 'look' : 'release';
    let word = LOCK_FREE;
    const tries = step('try', () => {
      if (variant.takesByStore === true) word = Atomics.load(shared, 0);
      else word = Atomics.compareExchange(shared, 0, LOCK_FREE, own);
      if (word !== LOCK_FREE) return 'try marked';
      return variant.takesByStore === true ? undefined : scene.enter(entered);
    });
    const takes = step('take what was free', () => {
      Atomics.store(shared, 0, own);
      return scene.enter(entered);
    });
    const woken = step(
      'woken',
      () => 'try marked',
      () => !sleepers.includes(slot),
    );
    if (isAsleep) sleepers.push(slot);
    return stepsOf(
      `vCPU ${slot}`,
      ...(isAsleep ? [woken] : [tries, takes]),
      step('try marked', () => {
        word = Atomics.compareExchange(shared, 0, LOCK_FREE, own | wokenTakesIt);
        if (word === LOCK_FREE) return scene.enter(entered);
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
        return isAsleep ? 'woken' : undefined;
      }),
      ...(isAsleep ? [] : [woken]),
      step('look', () => {
        word = Atomics.load(shared, 0);
      }),
      step('release', () => {
        const found = scene.leave();
        if (variant.looksFirst !== true) word = found;
        return word === own ? END : undefined;
      }),
      step('wake one', () => void sleepers.shift()),
    );
  }

  /** Of `asleepCount` vCPUs that sleep, one that has the lock is about to release it. */
  function world(vcpuCount: number, asleepCount: number, variant: Variant = {}): Interleaving {
    const scene = new Scene();
    const threads = Array.from({ length: vcpuCount }, (_, slot) =>
      vcpu(slot, scene, slot < asleepCount, variant),
    );
    if (asleepCount > 0) {
      Atomics.store(scene.word, 0, heldBy(vcpuCount) | LOCK_AWAITED);
      const release = step('release', () => void Atomics.exchange(scene.word, 0, LOCK_FREE));
      const wake = step('wake one', () => void scene.sleepers.shift());
      threads.push(stepsOf('holder', release, wake));
    }
    const verdict = (): string | null => {
      if (scene.insideMax > 1) return 'two were inside';
      return scene.word[0] === LOCK_FREE ? SAFE : 'it was not given back';
    };
    return { threads, verdict };
  }

  test('lets one in at a time and wakes the other', () => {
    const walk = walkOrders(() => world(2, 0));
    expect(walk.firstBad).toBe('');
    expect(walk.orders).toBeGreaterThan(10);
  });

  test('lets in those who sleep one after the other, though a third comes in between', () => {
    const walk = walkOrders(() => world(3, 2));
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
