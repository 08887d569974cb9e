/**
 * Every order of an unmap and a reader whose TLB has the page: once whoever awaits the unmap goes on, and gives
 * the page's frame to somebody else, no access of the reader reaches the frame any more.
 */
import { expect, test } from 'vitest';
import { generationReached } from '../../src/layout/control-block.ts';
import { SAFE, step, stepsOf, type Walk, walkOrders } from '../support/interleavings.ts';

const GENERATION = 0;
const TABLE = 1; // the root of the IOMMU's table: which edition is published
const ANNOUNCED = 2;
const FRAME = 3; // whose the frame is

const MAPPED = 1;
const UNMAPPED = 2;
const OF_THE_DEVICE = 0;
const OF_SOMEBODY_ELSE = 1;

interface Variant {
  /** Whether the reader's refresh looks at the roots of tables, or at that of its address space alone. */
  readonly comparesTables: boolean;
  readonly loadsRoots: 'after it announced' | 'before it knows what to announce';
  readonly unmapAwaits: 'the grace period' | 'nothing';
}

const REAL: Variant = {
  comparesTables: true,
  loadsRoots: 'after it announced',
  unmapAwaits: 'the grace period',
};

function walk(variant: Variant): Walk {
  return walkOrders(() => {
    const words = new Int32Array(new SharedArrayBuffer(16));
    words.set([1, MAPPED, 1, OF_THE_DEVICE]);
    let fault: string | null = SAFE;

    const hasPassed = () => generationReached(Atomics.load(words, ANNOUNCED), 3);
    const isReady = variant.unmapAwaits === 'nothing' ? () => true : hasPassed;
    const control = stepsOf(
      'control',
      step('store the root of the table without it', () => Atomics.store(words, TABLE, UNMAPPED)),
      step('advance', () => Atomics.store(words, GENERATION, 3)),
      step('the promise resolves', () => {}, isReady),
      step('give the frame away', () => Atomics.store(words, FRAME, OF_SOMEBODY_ELSE)),
    );

    let generation = 1;
    let table = MAPPED;
    let isInTlb = true;
    const checkpoint = (nth: number) => {
      const announce = step('announce', () => Atomics.store(words, ANNOUNCED, generation));
      const refresh = step('load the root of the table', () => {
        if (!variant.comparesTables) return;
        const found = Atomics.load(words, TABLE);
        if (found !== table) isInTlb = false;
        table = found;
      });
      const load = step('load GENERATION', () => {
        const now = Atomics.load(words, GENERATION);
        const isNew = now !== generation;
        generation = now;
        return isNew ? undefined : `access #${nth}`;
      });
      return [
        ...(variant.loadsRoots === 'after it announced'
          ? [load, announce, refresh]
          : [refresh, load, announce]),
        step(`access #${nth}`, () => {
          if (!isInTlb && table !== MAPPED) return; // MEMTX_DECODE_ERROR
          isInTlb = true;
          if (Atomics.load(words, FRAME) !== OF_THE_DEVICE)
            fault = `access #${nth} reaches somebody else's frame`;
        }),
      ];
    };
    const reader = stepsOf('reader', ...checkpoint(1), ...checkpoint(2), ...checkpoint(3));
    const offline = stepsOf(
      'end',
      step(
        'offline',
        () => Atomics.store(words, ANNOUNCED, 0),
        () => reader.isDone,
      ),
    );
    return { threads: [control, reader, offline], verdict: () => fault };
  });
}

test('once an unmap is awaited, nobody reaches what it took away, in any order', () => {
  const result = walk(REAL);
  expect(result.firstBad).toBe('');
  expect(result.orders).toBeGreaterThan(50);
});

test.each<[string, Partial<Variant>]>([
  ['a refresh that ignores the roots of tables', { comparesTables: false }],
  [
    'a refresh before the generation is known that will be announced',
    { loadsRoots: 'before it knows what to announce' },
  ],
  ['an unmap that awaits nothing', { unmapAwaits: 'nothing' }],
])('%s is convicted', (_, broken) => {
  const result = walk({ ...REAL, ...broken });
  expect(result.unsafe).toBeGreaterThan(0);
  expect(result.firstBad).toContain("reaches somebody else's frame");
});
