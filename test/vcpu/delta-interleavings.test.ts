/**
 * Every order of publications and a reader's refresh, also with a ring so small that the writer laps the
 * reader: after the refresh no page is left that the view in use answers differently (DeltaReader, DeltaWriter).
 */
import { describe, expect, test } from 'vitest';
import { createControlBlock, WORD_DELTA_COUNT } from '../../src/layout/control-block.ts';
import * as delta from '../../src/layout/delta-ring.ts';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import { DeltaWriter } from '../../src/publish/delta-writer.ts';
import { EMPTY_FLAT_VIEW } from '../../src/render/flat-view.ts';
import { renderFlatView } from '../../src/render/render.ts';
import { differenceBetween } from '../../src/render/view-difference.ts';
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

/** The words of one order, and what both sides do to them. */
class Ring {
  readonly words = new Int32Array(new SharedArrayBuffer(4 * 32));
  private readonly scene: Scene;

  constructor(scene: Scene) {
    this.scene = scene;
    const there = scene.deltas.filter(({ view }) => view <= 2).length;
    for (let number = 1; number <= there; number += 1) this.write(number);
    this.words[ROOT] = 2;
    this.words[COUNT] = there;
  }

  load(number: number): Told {
    const word = this.placeOf(number);
    const [view, isLast, page] = [0, 1, 2].map((field) => Atomics.load(this.words, word + field));
    return { view: view!, isLast: isLast === 1, page: page! };
  }

  /** The writer's steps of a publication. */
  publish(view: number, isRootLast: boolean) {
    const { deltas } = this.scene;
    const told = deltas.flatMap((each, index) => (each.view === view ? this.tell(index + 1) : []));
    const root = step(`root ${view}`, () => Atomics.store(this.words, ROOT, view));
    return isRootLast ? [...told, root] : [root, ...told];
  }

  private tell(number: number) {
    const { view, page, isLast } = this.scene.deltas[number - 1]!;
    const word = this.placeOf(number);
    const fields = this.scene.isTorn
      ? [
          step(`version of delta ${number}`, () => Atomics.store(this.words, word, view)),
          step(`page of delta ${number}`, () => {
            Atomics.store(this.words, word + 1, Number(isLast));
            Atomics.store(this.words, word + 2, page);
          }),
        ]
      : [step(`delta ${number}`, () => this.write(number))];
    return [...fields, step(`count ${number}`, () => Atomics.store(this.words, COUNT, number))];
  }

  private write(number: number): void {
    const { view, page, isLast } = this.scene.deltas[number - 1]!;
    this.words.set([view, Number(isLast), page], this.placeOf(number));
  }

  private placeOf(number: number): number {
    return RING + 3 * (number % this.scene.capacity);
  }
}

/** A reader's private state, and its steps. */
class RefreshingReader {
  fault: string | null = SAFE;
  private readonly ring: Ring;
  private readonly scene: Scene;
  private readonly mistake: Mistake;
  /** Each page is remembered as this view has it; it is right from the view on that changed it last. */
  private readonly filledFrom: Map<number, number>;
  private view = 1;
  private seen = 1;
  private count = 0;
  private reached = 0;

  constructor(ring: Ring, scene: Scene, mistake: Mistake) {
    this.ring = ring;
    this.scene = scene;
    this.mistake = mistake;
    this.filledFrom = new Map(scene.deltas.map(({ page }) => [page, 1]));
  }

  refresh(nth: number, isReady: () => boolean) {
    const { words } = this.ring;
    return [
      step(`root #${nth}`, () => (this.takeRoot() ? undefined : `use #${nth}`), isReady),
      step(`count #${nth}`, () => {
        this.count = Atomics.load(words, COUNT);
        return this.count - this.seen >= this.scene.capacity ? `start afresh #${nth}` : undefined;
      }),
      ...[1, 2, 3]
        .slice(0, this.scene.capacity - 1)
        .map((place) =>
          step(`delta +${place} #${nth}`, () => (this.readDelta(place) ? undefined : `count again #${nth}`)),
        ),
      step(`count again #${nth}`, () => (this.isWhole() ? `use #${nth}` : `start afresh #${nth}`)),
      step(`start afresh #${nth}`, () => {
        this.seen = Atomics.load(words, COUNT);
      }),
      step(`root again #${nth}`, () => {
        this.view = Atomics.load(words, ROOT);
        for (const page of this.filledFrom.keys()) this.filledFrom.set(page, this.view);
      }),
      step(`use #${nth}`, () => this.use()),
    ];
  }

  private takeRoot(): boolean {
    const published = Atomics.load(this.ring.words, ROOT);
    if (published === this.view) return false;
    this.view = published;
    this.reached = 0;
    return true;
  }

  private readDelta(place: number): boolean {
    if (this.seen + place > this.count) return false;
    const told = this.ring.load(this.seen + place);
    this.filledFrom.set(told.page, this.view);
    const isLast = told.isLast || this.mistake === 'first delta taken for the last';
    if (isLast && (told.view === this.view || this.mistake === 'newer deltas taken for seen'))
      this.reached = place;
    return true;
  }

  private isWhole(): boolean {
    const isLoaded = this.mistake !== 'count not loaded again';
    const now = isLoaded ? Atomics.load(this.ring.words, COUNT) : this.count;
    if (now - this.seen >= this.scene.capacity || this.reached === 0) return false;
    this.seen += this.reached;
    return true;
  }

  private use(): void {
    for (const { view: changedIn, page } of this.scene.deltas) {
      const from = this.filledFrom.get(page)!;
      if (changedIn <= this.view && from < changedIn)
        this.fault = `view ${this.view} uses page ${page} as view ${from} had it`;
    }
  }
}

function walk(scene: Scene, mistake: Mistake): Walk {
  return walkOrders(() => {
    const ring = new Ring(scene);
    const views = [...new Set(scene.deltas.map(({ view }) => view))].filter((view) => view > 2);
    const isRootLast = mistake === 'deltas before the root';
    const writer = stepsOf('writer', ...views.flatMap((view) => ring.publish(view, isRootLast)));
    const state = new RefreshingReader(ring, scene, mistake);
    const reader = stepsOf(
      'reader',
      ...state.refresh(1, () => true),
      ...state.refresh(2, () => writer.isDone),
    );
    return { threads: [writer, reader], verdict: () => state.fault };
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
    const after = renderFlatView(MemoryRegion.ram('ram', 0x1000));
    const change = { addressSpace: 3, version: 7, difference: differenceBetween(EMPTY_FLAT_VIEW, after) };
    const reader = new DeltaReader(words, 3, createTlb());
    expect(operationsOf(words, nameOf, () => writer.write([change]))).toEqual([
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
