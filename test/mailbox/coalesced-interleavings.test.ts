/** Queuing, replaying and looking whether that is over: every order of src/mailbox/coalesced-ring.ts, as a model. */
import { describe, expect, test } from 'vitest';
import {
  END,
  type Interleaving,
  SAFE,
  type Step,
  step,
  stepsOf,
  walkOrders,
} from '../support/interleavings.ts';

const LOCK = 0;
const TAIL = 1;
const HEAD = 2;
const ENTRIES = 8;

interface Variant {
  readonly queuer?: readonly string[];
  readonly replayer?: readonly string[];
}

const QUEUER = ['lock', 'load tail', 'write entry', 'store tail', 'unlock'];
const REPLAYER = ['load tail', 'read entry', 'replay', 'store head', 'next'];

/** The steps of one that queues `value`. */
function queuer(words: Int32Array, value: number, names: readonly string[]): Step[] {
  let tail = 0;
  const steps: Record<string, Step> = {
    lock: step(
      'lock',
      () => void Atomics.store(words, LOCK, value),
      () => Atomics.load(words, LOCK) === 0,
    ),
    'load tail': step('load tail', () => {
      tail = Atomics.load(words, TAIL);
    }),
    'write entry': step('write entry', () => {
      words[ENTRIES + tail] = value;
    }),
    'store tail': step('store tail', () => void Atomics.store(words, TAIL, tail + 1)),
    unlock: step('unlock', () => void Atomics.store(words, LOCK, 0)),
  };
  return names.map((name) => steps[name]!);
}

/** The device's home, until it has replayed `count`. */
function replayer(words: Int32Array, done: number[], count: number, names: readonly string[]): Step[] {
  let n = 0;
  let value = 0;
  const steps: Record<string, Step> = {
    'load tail': step(
      'load tail',
      () => {},
      () => Atomics.load(words, TAIL) > n,
    ),
    'read entry': step('read entry', () => {
      value = words[ENTRIES + n]!;
    }),
    replay: step('replay', () => void done.push(value)),
    'store head': step('store head', () => void Atomics.store(words, HEAD, n + 1)),
    next: step('next', () => {
      n += 1;
      return n === count ? END : 'load tail';
    }),
  };
  return names.map((name) => steps[name]!);
}

describe('two threads that queue, and one that replays', () => {
  function world({ queuer: queuing = QUEUER, replayer: replaying = REPLAYER }: Variant): Interleaving {
    const words = new Int32Array(new SharedArrayBuffer(64));
    const done: number[] = [];
    return {
      threads: [
        stepsOf('first', ...queuer(words, 1, queuing)),
        stepsOf('second', ...queuer(words, 2, queuing)),
        stepsOf('home', ...replayer(words, done, 2, replaying)),
      ],
      verdict: () => (done.toSorted().join() === '1,2' ? SAFE : `replayed ${done.join()}`),
    };
  }

  test('every write is replayed once, in every order', () => {
    const walk = walkOrders(() => world({}));
    expect(walk.firstBad).toBe('');
    expect(walk.orders).toBeGreaterThan(100);
  });

  test.each<[string, Variant]>([
    ['queuing without the lock', { queuer: ['load tail', 'write entry', 'store tail'] }],
    [
      'a tail that is stored before the entry',
      { queuer: ['lock', 'load tail', 'store tail', 'write entry', 'unlock'] },
    ],
    [
      'a lock that is given back before the tail is stored',
      { queuer: ['lock', 'load tail', 'write entry', 'unlock', 'store tail'] },
    ],
  ])('the walk convicts %s', (_what, variant) => {
    const walk = walkOrders(() => world(variant));
    expect(walk.deadlocks + walk.unsafe).toBeGreaterThan(0);
  });
});

describe('a thread that looks whether the ring is empty, and then accesses the device', () => {
  type Look = 'head, then tail' | 'tail, then head';

  /** The second write comes from a third thread at any time; the first was queued before the look. */
  function world(replaying: readonly string[], look: Look): Interleaving {
    const words = new Int32Array(new SharedArrayBuffer(64));
    const done: number[] = [];
    let head = 0;
    let tail = 0;
    let sawFirst = false;
    words[ENTRIES] = 1;
    words[TAIL] = 1;
    const loads = [
      step('load head', () => {
        head = Atomics.load(words, HEAD);
      }),
      step('load tail', () => {
        tail = Atomics.load(words, TAIL);
      }),
    ];
    const accessor = stepsOf(
      'accessor',
      ...(look === 'head, then tail' ? loads : loads.toReversed()),
      step('access', () => {
        // Not empty: it has the ring replayed first, which is not walked here.
        sawFirst = head !== tail || done.includes(1);
      }),
    );
    return {
      threads: [
        stepsOf('home', ...replayer(words, done, 2, replaying)),
        stepsOf(
          'other',
          step('write entry', () => {
            words[ENTRIES + 1] = 2;
          }),
          step('store tail', () => void Atomics.store(words, TAIL, 2)),
        ),
        accessor,
      ],
      verdict: () => (sawFirst ? SAFE : 'the access came before a write that was queued before it'),
    };
  }

  test.each<Look>(['head, then tail', 'tail, then head'])('observes what was queued before: %s', (look) => {
    const walk = walkOrders(() => world(REPLAYER, look));
    expect(walk.firstBad).toBe('');
    expect(walk.orders).toBeGreaterThan(100);
  });

  test('the walk convicts a head that is stored before the replay', () => {
    const early = ['load tail', 'read entry', 'store head', 'replay', 'next'];
    const walk = walkOrders(() => world(early, 'head, then tail'));
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
