/** Queuing, replaying and looking whether that is over: every order of src/mailbox/coalesced-ring.ts, as a model. */
import { describe, expect, test } from 'vitest';
import {
  END,
  type Interleaving,
  SAFE,
  type Step,
  type SteppedThread,
  step,
  stepsOf,
  walkOrders,
} from '../support/interleavings.ts';

/** As RING_STATE: how many entries were queued, who queues in steps of HOLDER, and CLOSED. */
const STATE = 0;
const HEAD = 1;
const HEAD_SEEN = 2;
const ENTRIES = 8;

const HOLDER = 16;
const CLOSED = 256;
const countIn = (state: number): number => state % HOLDER;
const isFree = (state: number): boolean => state < HOLDER;

const QUEUER = ['hold', 'look for room', 'write entry', 'count and give back'];
const REPLAYER = ['load state', 'read entry', 'replay', 'store head', 'next'];

interface Ring {
  readonly words: Int32Array;
  /** Places for entries. */
  readonly size: number;
}

/** The steps of one that queues `value`; `refused` is told it if the ring is full. */
function queuer(
  { words, size }: Ring,
  value: number,
  names: readonly string[],
  refused = (_value: number) => {},
) {
  let count = 0;
  let hasRoom = true;
  const steps: Record<string, Step> = {
    hold: step(
      'hold',
      () => {
        count = Atomics.load(words, STATE);
        Atomics.compareExchange(words, STATE, count, count + value * HOLDER);
      },
      () => isFree(Atomics.load(words, STATE)),
    ),
    'see that it is free': step(
      'see that it is free',
      () => {
        count = Atomics.load(words, STATE);
      },
      () => isFree(Atomics.load(words, STATE)),
    ),
    'store that it is held': step(
      'store that it is held',
      () => void Atomics.store(words, STATE, count + value * HOLDER),
    ),
    'look for room': step('look for room', () => {
      if (count - words[HEAD_SEEN]! >= size) words[HEAD_SEEN] = Atomics.load(words, HEAD); // plainly: this one holds the ring
      hasRoom = count - words[HEAD_SEEN]! < size;
      if (!hasRoom) refused(value);
    }),
    'write entry': step('write entry', () => {
      if (hasRoom) words[ENTRIES + (count % size)] = value;
    }),
    'count and give back': step(
      'count and give back',
      () => void Atomics.add(words, STATE, (hasRoom ? 1 : 0) - value * HOLDER),
    ),
    'give back by a store': step(
      'give back by a store',
      () => void Atomics.store(words, STATE, hasRoom ? count + 1 : count),
    ),
  };
  return names.map((name) => steps[name]!);
}

/** The device's home, until `isOver`. */
function replayer(
  { words, size }: Ring,
  done: number[],
  isOver: (n: number) => boolean,
  names: readonly string[],
) {
  let n = 0;
  let value = 0;
  const steps: Record<string, Step> = {
    'load state': step(
      'load state',
      () => (countIn(Atomics.load(words, STATE)) > n ? undefined : END),
      () => countIn(Atomics.load(words, STATE)) > n || isOver(n),
    ),
    'read entry': step('read entry', () => {
      value = words[ENTRIES + (n % size)]!;
    }),
    replay: step('replay', () => void done.push(value)),
    'store head': step('store head', () => void Atomics.store(words, HEAD, n + 1)),
    next: step('next', () => {
      n += 1;
      return isOver(n) ? END : 'load state';
    }),
  };
  return names.map((name) => steps[name]!);
}

const newRing = (size: number): Ring => ({ words: new Int32Array(new SharedArrayBuffer(64)), size });

interface Variant {
  readonly queuer?: readonly string[];
  readonly replayer?: readonly string[];
}

/** Two threads that queue in a ring of `size` places, and the device's home. */
function queuersAndHome(
  size: number,
  { queuer: queuing = QUEUER, replayer: replaying = REPLAYER }: Variant,
): Interleaving {
  const ring = newRing(size);
  const done: number[] = [];
  const direct: number[] = [];
  const refused = (value: number): void => void direct.push(value);
  return {
    threads: [
      stepsOf('first', ...queuer(ring, 1, queuing, refused)),
      stepsOf('second', ...queuer(ring, 2, queuing, refused)),
      stepsOf('home', ...replayer(ring, done, (n) => n + direct.length === 2, replaying)),
    ],
    verdict: () => {
      const made = [...done, ...direct].toSorted().join();
      return made === '1,2' ? SAFE : `replayed ${done.join()}, written directly ${direct.join()}`;
    },
  };
}

describe('two threads that queue, and one that replays', () => {
  test.each([1, 2])('every write is replayed once or refused, in every order: %i places', (size) => {
    const walk = walkOrders(() => queuersAndHome(size, {}));
    expect(walk.firstBad).toBe('');
    expect(walk.orders).toBeGreaterThan(100);
  });

  test.each<[string, number, Variant]>([
    [
      'holding it by a load and a store',
      2,
      { queuer: ['see that it is free', 'store that it is held', ...QUEUER.slice(1)] },
    ],
    [
      'giving back before the entry is written',
      2,
      { queuer: ['hold', 'look for room', 'count and give back', 'write entry'] },
    ],
    ['writing where there is no room', 1, { queuer: ['hold', 'write entry', 'count and give back'] }],
    [
      'a place that is given back before it is read',
      1,
      { replayer: ['load state', 'store head', 'read entry', 'replay', 'next'] },
    ],
  ])('the walk convicts %s', (_what, size, variant) => {
    const walk = walkOrders(() => queuersAndHome(size, variant));
    expect(walk.deadlocks + walk.unsafe).toBeGreaterThan(0);
  });
});

describe('a queuer that dies, and one that queues after it', () => {
  /** The first ends after `steps`; the ring that it held is freed when its exit was seen, or at any time. */
  function world(steps: number, isFreed: 'after the exit' | 'at any time'): Interleaving {
    const ring = newRing(2);
    let hasExited = false;
    const exit = step('exit', () => {
      hasExited = true;
    });
    // As breakRingLock, whose look and change are two steps; nobody else changes the holder meanwhile.
    const free = [
      step(
        'look whether it holds the ring',
        () => (Math.trunc((Atomics.load(ring.words, STATE) % CLOSED) / HOLDER) === 1 ? undefined : END),
        () => hasExited || isFreed === 'at any time',
      ),
      step('free the ring', () => void Atomics.and(ring.words, STATE, CLOSED | (HOLDER - 1))),
    ];
    return {
      threads: [
        stepsOf('mortal', ...queuer(ring, 1, QUEUER).slice(0, steps), exit),
        stepsOf('second', ...queuer(ring, 2, QUEUER)),
        stepsOf('control', ...free),
      ],
      verdict: () => {
        const queued = [...ring.words.slice(ENTRIES, ENTRIES + Atomics.load(ring.words, STATE))];
        const expected = steps === QUEUER.length ? '1,2' : '2';
        return queued.toSorted().join() === expected ? SAFE : `queued ${queued.join()}, not ${expected}`;
      },
    };
  }
  const all = [1, 2, 3, 4];

  test.each(all)('lose nothing that was counted; it dies after step %i', (steps) => {
    expect(walkOrders(() => world(steps, 'after the exit')).firstBad).toBe('');
  });

  test('the walk convicts a ring that is freed under a living queuer', () => {
    expect(walkOrders(() => world(4, 'at any time')).firstBad).not.toBe('');
  });
});

describe('a replayer that dies, and the next', () => {
  const TAKEN = 3;
  type Order = 'take, then replay' | 'replay, then take';

  /** Two entries are queued, a third comes at any time; the first replayer ends after `steps`. */
  function world(steps: number, order: Order): Interleaving {
    const ring = newRing(4);
    const { words } = ring;
    const done: number[] = [];
    let hasExited = false;
    [words[ENTRIES], words[ENTRIES + 1], words[STATE]] = [1, 2, 2];
    const replays = (name: string, isNext: boolean) => {
      let n = 0;
      const begin = step(
        'load taken',
        () => {
          n = words[TAKEN]!; // plainly: the replayer before is gone
          return n === Atomics.load(words, HEAD) ? 'load state' : undefined;
        },
        () => !isNext || hasExited,
      );
      const take = step('take', () => {
        words[TAKEN] = n + 1;
      });
      const replay = step('replay', () => void done.push(words[ENTRIES + n]!));
      return stepsOf(
        name,
        ...[
          begin,
          step('store head for the dead', () => void Atomics.store(words, HEAD, n)),
          step(
            'load state',
            () => (countIn(Atomics.load(words, STATE)) > n ? undefined : END),
            () => !isNext || n === 3 || countIn(Atomics.load(words, STATE)) > n,
          ),
          ...(order === 'take, then replay' ? [take, replay] : [replay, take]),
          step('store head', () => {
            n += 1;
            Atomics.store(words, HEAD, n);
            return 'load state';
          }),
        ],
      );
    };
    const mortal = replays('mortal', false);
    let left = steps;
    const cut: SteppedThread = {
      name: mortal.name,
      get isDone() {
        return left === 0 || mortal.isDone;
      },
      get isReady() {
        return mortal.isReady;
      },
      advance: () => {
        left -= 1;
        const taken = mortal.advance();
        hasExited = cut.isDone;
        return taken;
      },
    };
    return {
      threads: [cut, replays('next', true), stepsOf('third', ...queuer(ring, 3, QUEUER))],
      verdict: () => {
        const isOnce = new Set(done).size === done.length;
        const lost = 3 - done.length;
        if (!isOnce || lost > 1) return `replayed ${done.join()}`;
        return words[HEAD] === 3 ? SAFE : `done up to ${words[HEAD]} of 3`;
      },
    };
  }
  const all = [1, 2, 3, 4, 5, 6, 7, 8, 9];

  test.each(all)(
    'do no write twice, and at most the one that was begun not at all; after step %i',
    (steps) => {
      expect(walkOrders(() => world(steps, 'take, then replay')).firstBad).toBe('');
    },
  );

  test('the walk convicts a write that is taken after its replay', () => {
    const bad = all.map((steps) => walkOrders(() => world(steps, 'replay, then take')).firstBad);
    expect(bad.some((each) => each.includes('replayed 1,1'))).toBe(true);
  });
});

describe('a ring that is closed while a thread queues', () => {
  function world(queuing: readonly string[]): Interleaving {
    const ring = newRing(2);
    return {
      threads: [
        stepsOf('queuer', ...queuer(ring, 1, queuing)),
        stepsOf(
          'control',
          step('close', () => void Atomics.or(ring.words, STATE, CLOSED)),
        ),
      ],
      // Closed before it was held: the queuer waits for ever here, where the code writes directly.
      verdict: () => (Atomics.load(ring.words, STATE) >= CLOSED ? SAFE : 'it is open again'),
    };
  }

  test('stays closed', () => {
    expect(walkOrders(() => world(QUEUER)).unsafe).toBe(0);
  });

  test('the walk convicts giving back by a store', () => {
    const byStore = [...QUEUER.slice(0, -1), 'give back by a store'];
    expect(walkOrders(() => world(byStore)).unsafe).toBeGreaterThan(0);
  });
});

describe('a thread that looks whether the ring is empty, and then accesses the device', () => {
  type Look = 'head, then state' | 'state, then head';

  /** The second write comes from a third thread at any time; the first was queued before the look. */
  function world(replaying: readonly string[], look: Look): Interleaving {
    const ring = newRing(2);
    const { words } = ring;
    const done: number[] = [];
    let head = 0;
    let count = 0;
    let sawFirst = false;
    words[ENTRIES] = 1;
    words[STATE] = 1;
    const loads = [
      step('load head', () => {
        head = Atomics.load(words, HEAD);
      }),
      step('load state', () => {
        count = countIn(Atomics.load(words, STATE));
      }),
    ];
    const accessor = stepsOf(
      'accessor',
      ...(look === 'head, then state' ? loads : loads.toReversed()),
      step('access', () => {
        // Not empty: it has the ring replayed first, which is not walked here.
        sawFirst = head !== count || done.includes(1);
      }),
    );
    return {
      threads: [
        stepsOf('home', ...replayer(ring, done, (n) => n === 2, replaying)),
        stepsOf('other', ...queuer(ring, 2, QUEUER)),
        accessor,
      ],
      verdict: () => (sawFirst ? SAFE : 'the access came before a write that was queued before it'),
    };
  }

  test.each<Look>(['head, then state', 'state, then head'])('observes what was queued before: %s', (look) => {
    const walk = walkOrders(() => world(REPLAYER, look));
    expect(walk.firstBad).toBe('');
    expect(walk.orders).toBeGreaterThan(100);
  });

  test('the walk convicts a head that is stored before the replay', () => {
    const early = ['load state', 'read entry', 'store head', 'replay', 'next'];
    const walk = walkOrders(() => world(early, 'head, then state'));
    expect(walk.firstBad).toContain('came before a write');
  });
});

describe('a ring that a thread does not know of', () => {
  /** `opensAfter`: writes are queued once the reader has taken its messages in. */
  function world(opensAfter: 'grace period' | 'post'): Interleaving {
    const OPEN = 0;
    const DATA = 1;
    const words = new Int32Array(new SharedArrayBuffer(16));
    let isPosted = false;
    let isKnown = false;
    let direct = false;
    let observed = true;
    const control = stepsOf(
      'control',
      step('post', () => {
        isPosted = true;
      }),
      step(
        'open',
        () => void Atomics.store(words, OPEN, 1),
        () => opensAfter === 'post' || isKnown,
      ),
    );
    const writer = stepsOf(
      'writer',
      step('queue or write', () => {
        direct = Atomics.load(words, OPEN) === 0;
      }),
      step('tell through RAM', () => void Atomics.store(words, DATA, 1)),
    );
    const reader = stepsOf(
      'reader',
      step('see it in RAM', () => (Atomics.load(words, DATA) === 1 ? undefined : 'checkpoint')),
      step('access', () => {
        observed = direct || isKnown;
        return END;
      }),
      step('checkpoint', () => {
        isKnown = isPosted;
      }),
    );
    return {
      threads: [control, writer, reader],
      verdict: () => (observed ? SAFE : 'an access went past a write that was queued before'),
    };
  }

  // A reader that never sees the write never accesses; one that has no checkpoint keeps the ring closed.
  test('gets no write before that thread has passed a checkpoint', () => {
    expect(walkOrders(() => world('grace period')).unsafe).toBe(0);
  });

  test('the walk convicts a ring that is open as soon as it is posted', () => {
    expect(walkOrders(() => world('post')).unsafe).toBeGreaterThan(0);
  });
});
