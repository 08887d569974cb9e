/** Posting and publishing against a reader that looks at its port only where the count moved, as a model. */
import { describe, expect, test } from 'vitest';
import { type Interleaving, SAFE, step, stepsOf, walkOrders } from '../support/interleavings.ts';

const POSTS = 0;
const ROOT = 1;

const CONTROL = ['post', 'count', 'store root'];
const READER = ['load root', 'load count', 'look'];

/** Two publications, each of which needs what was posted for it; a reader that checks twice what it may use. */
function world(control: readonly string[], reader: readonly string[]): Interleaving {
  const words = new Int32Array(new SharedArrayBuffer(8));
  let posted = 0; // the port's queue is under a lock of its own: a step is whole
  let taken = 0;
  let root = 0;
  let count = 0;
  let counted = 0;
  let missing = '';
  const publish = (version: number) =>
    control.map((name) =>
      step(`${name} ${version}`, () => {
        if (name === 'post') posted = version;
        else Atomics.store(words, name === 'count' ? POSTS : ROOT, version);
      }),
    );
  const check = (time: number) => [
    ...reader.map((name) =>
      step(`${name}, time ${time}`, () => {
        if (name === 'load root') root = Atomics.load(words, ROOT);
        else if (name === 'load count') count = Atomics.load(words, POSTS);
        else if (count !== counted) {
          counted = count;
          taken = posted;
        }
      }),
    ),
    step(`use, time ${time}`, () => {
      if (taken < root) missing ||= `root ${root} was used with what was posted for ${taken}`;
    }),
  ];
  return {
    threads: [stepsOf('control', ...publish(1), ...publish(2)), stepsOf('reader', ...check(1), ...check(2))],
    verdict: () => missing || SAFE,
  };
}

describe('a reader that sees a root has what was posted for it', () => {
  test('if it was posted, then counted, then published', () => {
    const walk = walkOrders(() => world(CONTROL, READER));
    expect(walk.orders).toBeGreaterThan(1000);
    expect(walk.unsafe, walk.firstBad).toBe(0);
  });

  test.each([
    ['counted before it is posted', ['count', 'post', 'store root'], READER],
    ['published before it is counted', ['post', 'store root', 'count'], READER],
    [
      'counted, where the reader loaded the count before the root',
      CONTROL,
      ['load count', 'load root', 'look'],
    ],
  ])('but not if it is %s', (_what, control, reader) => {
    expect(walkOrders(() => world(control, reader)).unsafe).toBeGreaterThan(0);
  });
});
