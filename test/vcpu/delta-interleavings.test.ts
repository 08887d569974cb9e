/**
 * Every order of publications and a reader's refresh, also with a ring so small that the writer laps the
 * reader: after the refresh no page is left that the view in use answers differently (DeltaReader, DeltaWriter).
 */
import { describe, expect, test } from 'vitest';
import { createControlBlock, WORD_DELTA_COUNT } from '../../src/layout/control-block.ts';
import * as delta from '../../src/layout/delta-ring.ts';
import { DeltaWriter } from '../../src/publish/delta-writer.ts';
import { DeltaReader } from '../../src/vcpu/delta-reader.ts';
import { createTlb } from '../../src/vcpu/tlb.ts';
import { SAFE, step, stepsOf, type Walk, walkOrders } from '../support/interleavings.ts';
import { operationsOf } from '../support/stepped-atomics.ts';

const ROOT = 0; // the version of the published view stands for it
const COUNT = 1;
const RING = 2; // of each delta: version, whether it is the last of its view, page

type Mistake =
  | 'none'
  | 'deltas before the root'
  | 'count not loaded again'
  | 'newer deltas taken for seen'
  | 'first delta taken for the last';

interface Told {
  readonly view: number;
  readonly page: number;
  readonly isLast: boolean;
}

/** What the deltas tell, from number 1 on. View 2 is published, with its deltas; the reader has view 1. */
interface Scene {
  readonly capacity: number;
  readonly deltas: readonly Told[];
  /** Whether the words of a delta are steps of their own: only a writer that laps the reader tears one. */
  readonly isTorn: boolean;
}

/** View 3 changes two pages, and the ring holds all. */
const together: Scene = {
  capacity: 8,
  isTorn: false,
  deltas: [
    { view: 1, page: 1, isLast: true },
    { view: 2, page: 2, isLast: true },
    { view: 3, page: 3, isLast: false },
    { view: 3, page: 4, isLast: true },
  ],
};

/** Views 3 and 4 change a page each, and the second takes the place of the first delta that the reader looks at. */
const lapping: Scene = {
  capacity: 3,
  isTorn: true,
  deltas: [
    { view: 1, page: 1, isLast: true },
    { view: 2, page: 2, isLast: false },
    { view: 2, page: 3, isLast: true },
    { view: 3, page: 4, isLast: true },
    { view: 4, page: 5, isLast: true },
  ],
};

function walk({ capacity, deltas, isTorn }: Scene, mistake: Mistake): Walk {
  return walkOrders(() => {
    const words = new Int32Array(new SharedArrayBuffer(4 * 32));
    const placeOf = (number: number): number => RING + 3 * (number % capacity);
    const writeDelta = (number: number): void => {
      const { view, page, isLast } = deltas[number - 1]!;
      Atomics.store(words, placeOf(number), view);
      Atomics.store(words, placeOf(number) + 1, Number(isLast));
      Atomics.store(words, placeOf(number) + 2, page);
    };
    const there = deltas.filter(({ view }) => view <= 2).length;
    for (let number = 1; number <= there; number += 1) writeDelta(number);
    words[ROOT] = 2;
    words[COUNT] = there;
    let fault: string | null = SAFE;

    const tell = (number: number) => {
      const { view, page, isLast } = deltas[number - 1]!;
      const fields = isTorn
        ? [
            step(`version of delta ${number}`, () => Atomics.store(words, placeOf(number), view)),
            step(`page of delta ${number}`, () => {
              Atomics.store(words, placeOf(number) + 1, Number(isLast));
              Atomics.store(words, placeOf(number) + 2, page);
            }),
          ]
        : [step(`delta ${number}`, () => writeDelta(number))];
      return [...fields, step(`count ${number}`, () => Atomics.store(words, COUNT, number))];
    };
    const publish = (view: number) => {
      const told = deltas.flatMap((each, index) => (each.view === view ? tell(index + 1) : []));
      const root = step(`root ${view}`, () => Atomics.store(words, ROOT, view));
      return mistake === 'deltas before the root' ? [...told, root] : [root, ...told];
    };
    const views = [...new Set(deltas.map(({ view }) => view))].filter((view) => view > 2);
    const writer = stepsOf('writer', ...views.flatMap(publish));

    // Each page is remembered as view `filledFrom` has it; it is right from the view on that changed it last.
    const filledFrom = new Map(deltas.map(({ page }) => [page, 1]));
    let [view, seen, count, reached] = [1, 1, 0, 0];
    const readDelta = (nth: number, place: number) =>
      step(`delta +${place} #${nth}`, () => {
        if (seen + place > count) return `count again #${nth}`;
        const word = placeOf(seen + place);
        filledFrom.set(Atomics.load(words, word + 2), view);
        const isLast = Atomics.load(words, word + 1) === 1 || mistake === 'first delta taken for the last';
        if (isLast && (Atomics.load(words, word) === view || mistake === 'newer deltas taken for seen'))
          reached = place;
        return undefined;
      });
    const refresh = (nth: number, isReady: () => boolean) => [
      step(
        `root #${nth}`,
        () => {
          const published = Atomics.load(words, ROOT);
          if (published === view) return `use #${nth}`;
          view = published;
          reached = 0;
          return undefined;
        },
        isReady,
      ),
      step(`count #${nth}`, () => {
        count = Atomics.load(words, COUNT);
        return count - seen >= capacity ? `start afresh #${nth}` : undefined;
      }),
      ...Array.from({ length: Math.min(3, capacity - 1) }, (_, index) => readDelta(nth, index + 1)),
      step(`count again #${nth}`, () => {
        const now = mistake === 'count not loaded again' ? count : Atomics.load(words, COUNT);
        if (now - seen >= capacity || reached === 0) return `start afresh #${nth}`;
        seen += reached;
        return `use #${nth}`;
      }),
      step(`start afresh #${nth}`, () => {
        seen = Atomics.load(words, COUNT);
      }),
      step(`root again #${nth}`, () => {
        view = Atomics.load(words, ROOT);
        for (const page of filledFrom.keys()) filledFrom.set(page, view);
      }),
      step(`use #${nth}`, () => {
        for (const { view: changedIn, page } of deltas) {
          const from = filledFrom.get(page)!;
          if (changedIn <= view && from < changedIn)
            fault = `view ${view} uses page ${page} as view ${from} had it`;
        }
      }),
    ];
    const reader = stepsOf('reader', ...refresh(1, () => true), ...refresh(2, () => writer.isDone));
    return { threads: [writer, reader], verdict: () => fault };
  });
}

describe.each([
  ['together with one publication of two deltas', together],
  ['while two publications lap it', lapping],
])('a refresh %s, and another afterwards', (_what, scene) => {
  test('uses no page as an older view had it, in any order', () => {
    const result = walk(scene, 'none');
    expect(result.firstBad).toBe('');
    expect(result.orders).toBeGreaterThan(100);
  });
});

test.each<[Mistake, Scene]>([
  ['deltas before the root', lapping],
  ['count not loaded again', lapping],
  ['newer deltas taken for seen', together],
  ['first delta taken for the last', together],
])('the walk convicts it: %s', (mistake, scene) => {
  const result = walk(scene, mistake);
  expect(result.unsafe).toBeGreaterThan(0);
  expect(result.firstBad).toContain('uses page');
});

describe('the code takes its steps in the order of the walk', () => {
  const words = createControlBlock();
  const first = delta.deltaWord(1);
  const names = new Map([
    [WORD_DELTA_COUNT, 'COUNT'],
    [first + delta.DELTA_TARGET, 'TARGET'],
    [first + delta.DELTA_VIEW_VERSION, 'VERSION'],
    [first + delta.DELTA_START_LO, 'START_LO'],
    [first + delta.DELTA_START_HI, 'START_HI'],
    [first + delta.DELTA_LAST_LO, 'LAST_LO'],
    [first + delta.DELTA_LAST_HI, 'LAST_HI'],
  ]);
  const nameOf = (index: number): string => names.get(index) ?? `word ${index}`;

  test('a delta is written, then counted; it is read between two loads of the count', () => {
    const writer = new DeltaWriter(words);
    const reader = new DeltaReader(words, 3, createTlb());
    expect(
      operationsOf(words, nameOf, () => writer.write(3, 7, [{ start: 0x1000n, last: 0x1fffn }])),
    ).toEqual([
      'store TARGET',
      'store VERSION',
      'store START_LO',
      'store START_HI',
      'store LAST_LO',
      'store LAST_HI',
      'store COUNT',
    ]);
    let isWhole = false;
    const read = operationsOf(words, nameOf, () => {
      isWhole = reader.catchUp(7);
    });
    expect([read[0], read[1], read.at(-1)]).toEqual(['load COUNT', 'load TARGET', 'load COUNT']);
    expect(isWhole).toBe(true);
  });
});
