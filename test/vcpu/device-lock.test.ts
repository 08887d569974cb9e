import { beforeEach, describe, expect, test } from 'vitest';
import { GraceReader } from '../../src/grace/reader.ts';
import { createControlBlock, type SharedWords, WORD_DEVICE_LOCK } from '../../src/layout/control-block.ts';
import {
  heldBy,
  LOCK_AWAITED,
  LOCK_FREE,
  lockHolder,
  OWN_LOCK_BYTES,
  WORD_OWN_LOCK,
} from '../../src/layout/device-lock.ts';
import { DeviceLocks } from '../../src/service/device-locks.ts';
import { breakDeviceLock, type DeviceLock, ThreadLocks } from '../../src/vcpu/device-lock.ts';
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
import { operationsOf, steppedProgram } from '../support/stepped-atomics.ts';

const SLOT = 6;
let control: SharedWords;
const locksOf = (slot: number): ThreadLocks =>
  new ThreadLocks(control, new ReaderSession(control, new GraceReader(control, slot)));
const ownLock = (): SharedArrayBuffer => new SharedArrayBuffer(OWN_LOCK_BYTES);
beforeEach(() => {
  control = createControlBlock();
});

describe.each(['shared', 'own'] as const)('a device lock: %s', (kind) => {
  let words: SharedWords;
  let word: number;
  let lock: DeviceLock;
  const lockOf = (locks: ThreadLocks): DeviceLock =>
    kind === 'own' ? locks.own(words.buffer) : locks.shared;
  beforeEach(() => {
    words = kind === 'own' ? new Int32Array(ownLock()) : control;
    word = kind === 'own' ? WORD_OWN_LOCK : WORD_DEVICE_LOCK;
    lock = lockOf(locksOf(SLOT));
  });

  test('names its holder, and is free again after the outermost release', () => {
    lock.acquire();
    lock.acquire(); // a device that reaches a device under the same lock
    expect(lockHolder(words[word]!)).toBe(SLOT);
    lock.release();
    expect(lockHolder(words[word]!)).toBe(SLOT);
    lock.release();
    expect(words[word]).toBe(LOCK_FREE);
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
    const others = locksOf(SLOT + 1);
    others.patienceMs = 1;
    expect(lockOf(others).acquire()).toBe(false);
    expect(others.isAnyHeld).toBe(false);
    expect(words[word]).toBe(heldBy(SLOT) | LOCK_AWAITED);
    const operations = operationsOf(
      words,
      () => 'LOCK',
      () => lock.release(),
    );
    expect(operations).toEqual(['exchange LOCK', 'notify LOCK']);
    expect(words[word]).toBe(LOCK_FREE);
  });

  test('is not released by one who does not hold it', () => {
    expect(() => lock.release()).toThrow('the device lock is held when it is released');
  });

  test.each([0, LOCK_AWAITED])('is broken for a dead holder, and for nobody else; mark %i', (mark) => {
    lock.acquire();
    words[word] = words[word]! | mark;
    expect(breakDeviceLock(words, word, SLOT + 1)).toBe(false);
    expect(lockHolder(words[word]!)).toBe(SLOT);
    expect(breakDeviceLock(words, word, SLOT)).toBe(true);
    expect(words[word]).toBe(LOCK_FREE);
    expect(breakDeviceLock(words, word, SLOT)).toBe(false);
  });
});

describe('the locks of a thread', () => {
  test.each<[string, readonly string[], string, boolean]>([
    ['the shared lock, an own one', ['shared'], 'a', true],
    ['the shared lock, itself', ['shared'], 'shared', true],
    ['an own lock, itself', ['a'], 'a', true],
    ['an own lock, another', ['a'], 'b', false],
    ['an own lock, the shared one', ['a'], 'shared', false],
    ['the shared lock and an own one, the shared one', ['shared', 'a'], 'shared', false],
    ['the shared lock and an own one, another', ['shared', 'a'], 'b', false],
    ['an own lock twice, another', ['a', 'a'], 'b', false],
  ])('inside %s: the last is to be had or not, and at once', (_what, heldBefore, wanted, isTaken) => {
    const locks = locksOf(SLOT);
    const all = new Map([
      ['shared', locks.shared],
      ['a', locks.own(ownLock())],
      ['b', locks.own(ownLock())],
    ]);
    for (const name of heldBefore) expect(all.get(name)!.acquire()).toBe(true);
    expect(locks.forbids(all.get(wanted)!)).toBe(!isTaken);
    expect(all.get(wanted)!.acquire()).toBe(isTaken);
    if (isTaken) all.get(wanted)!.release();
    for (const name of [...heldBefore].reverse()) all.get(name)!.release();
    expect(locks.isAnyHeld).toBe(false);
    for (const lock of all.values()) expect([lock.acquire(), lock.release()]).toEqual([true, undefined]);
  });

  test('of a dead one are all broken, and those of others are not', () => {
    const made = new DeviceLocks(control.buffer);
    const buffers = [made.add(), made.add()];
    const dead = locksOf(SLOT);
    dead.shared.acquire();
    dead.own(buffers[0]!).acquire();
    const alive = locksOf(SLOT + 1).own(buffers[1]!);
    alive.acquire();
    made.breakFor(SLOT);
    const ownWords = buffers.map((buffer) => new Int32Array(buffer)[WORD_OWN_LOCK]);
    expect([control[WORD_DEVICE_LOCK], ...ownWords]).toEqual([LOCK_FREE, LOCK_FREE, heldBy(SLOT + 1)]);
  });
});

/**
 * Two vCPUs that go into devices from inside devices, in every order: nobody waits for ever as long as own locks are
 * leaves. Steps take whole locks, for one lock is walked above.
 */
describe('every order of vCPUs that go from device to device', () => {
  const SHARED = 0;

  /** Takes the locks of `path` one inside the other, then gives all back. */
  function visitor(
    name: string,
    path: readonly number[],
    holders: Int32Array,
    areLeaves: boolean,
  ): SteppedThread {
    const me = name.charCodeAt(0);
    const taken: number[] = [];
    const isFree = (lock: number): boolean => holders[lock] === 0 || holders[lock] === me;
    const isDenied = (lock: number): boolean =>
      areLeaves && taken.some((held) => held !== SHARED && held !== lock);
    const takes = path.map((lock) =>
      step(
        `take ${lock}`,
        () => {
          if (isDenied(lock)) return 'give back';
          holders[lock] = me;
          taken.push(lock);
          return undefined;
        },
        () => isDenied(lock) || isFree(lock),
      ),
    );
    const givesBack = step('give back', () => {
      for (const lock of taken) holders[lock] = 0;
    });
    return stepsOf(name, ...takes, givesBack);
  }

  const paths: readonly (readonly number[])[] = [0, 1, 2].flatMap((outer) =>
    [0, 1, 2].flatMap((inner) => [0, 1, 2].map((innermost) => [outer, inner, innermost])),
  );
  const meet = (areLeaves: boolean): string[] =>
    paths.flatMap((one) =>
      paths.flatMap((other) => {
        const { firstBad } = walkOrders(() => {
          const holders = new Int32Array(new SharedArrayBuffer(12));
          const threads = [visitor('x', one, holders, areLeaves), visitor('y', other, holders, areLeaves)];
          return {
            threads,
            verdict: () => (holders.every((holder) => holder === 0) ? SAFE : 'a lock is held'),
          };
        });
        return firstBad === '' ? [] : [firstBad];
      }),
    );

  test('ends, if own locks are leaves', () => {
    expect(meet(true)).toEqual([]);
  });

  test('the walk convicts own locks that are no leaves', () => {
    expect(meet(false)[0]).toContain('deadlock');
  });
});

describe('every order of vCPUs that want one lock', () => {
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
    readonly inside = new Set<number>();

    enter(slot: number, next: string): string {
      this.inside.add(slot);
      this.insideMax = Math.max(this.insideMax, this.inside.size);
      return next;
    }

    leave(slot: number): number {
      this.inside.delete(slot);
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
      return variant.takesByStore === true ? undefined : scene.enter(slot, entered);
    });
    const takes = step('take what was free', () => {
      Atomics.store(shared, 0, own);
      return scene.enter(slot, entered);
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
        if (word === LOCK_FREE) return scene.enter(slot, entered);
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
        const found = scene.leave(slot);
        if (variant.looksFirst !== true) word = found;
        return word === own ? END : undefined;
      }),
      step('wake one', () => void sleepers.shift()),
    );
  }

  /** vCPU 0 ends after so many steps, as its thread is killed; once that is confirmed its lock is broken. */
  interface Death {
    readonly afterSteps: number;
    readonly control:
      | 'breaks it and wakes all'
      | 'breaks it in silence'
      | 'wakes all'
      | 'wakes where it was held';
  }

  function dies(scene: Scene, thread: SteppedThread, { afterSteps, control }: Death): SteppedThread[] {
    let left = afterSteps;
    let wasHeld = false;
    const mortal: SteppedThread = {
      name: thread.name,
      get isDone() {
        return left === 0 || thread.isDone;
      },
      get isReady() {
        return thread.isReady;
      },
      advance: () => {
        left -= 1;
        const taken = thread.advance();
        if (mortal.isDone) scene.inside.delete(0);
        return taken;
      },
    };
    const breaks = steppedProgram(
      'control',
      () => {
        wasHeld = breakDeviceLock(scene.word, 0, 0);
      },
      () => 'LOCK',
    );
    const broken: SteppedThread = {
      name: 'control',
      get isDone() {
        return control === 'wakes all' || breaks.isDone;
      },
      get isReady() {
        return mortal.isDone;
      },
      advance: () => breaks.advance(),
    };
    const wakes = step(
      'wake all',
      () => {
        if (control === 'breaks it in silence' || (control === 'wakes where it was held' && !wasHeld)) return;
        scene.sleepers.length = 0;
      },
      () => mortal.isDone && broken.isDone,
    );
    return [mortal, broken, stepsOf('control', wakes)];
  }

  /** Of `asleepCount` vCPUs that sleep, one that has the lock is about to release it. */
  function world(
    vcpuCount: number,
    asleepCount: number,
    variant: Variant = {},
    death: Death | null = null,
  ): Interleaving {
    const scene = new Scene();
    const threads = Array.from({ length: vcpuCount }, (_, slot) =>
      vcpu(slot, scene, slot < asleepCount, variant),
    );
    if (death !== null) threads.splice(0, 1, ...dies(scene, threads[0]!, death));
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

  const stepsToDie = [1, 2, 3, 4, 5];
  const broken = (asleep: number, control: Death['control']): string[] =>
    stepsToDie
      .map((afterSteps) => walkOrders(() => world(2, asleep, {}, { afterSteps, control })).firstBad)
      .filter((bad) => bad !== '');

  test.each([0, 2])('goes on when one of them dies at any step; %i slept', (asleep) => {
    expect(broken(asleep, 'breaks it and wakes all')).toEqual([]);
  });

  test.each<[string, Death['control'], number]>([
    ['does not break the lock of a dead holder', 'wakes all', 0],
    ['breaks it and wakes nobody', 'breaks it in silence', 0],
    ['wakes only where the dead one held it, not where it had been woken', 'wakes where it was held', 2],
  ])('the walk convicts a control thread that %s', (_what, control, asleep) => {
    expect(broken(asleep, control)[0]).toContain('deadlock');
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
