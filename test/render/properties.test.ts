/** The rendered view against the literal rule, address by address, over random trees. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MemoryError } from '../../src/base/errors.ts';
import type { MemoryRegion } from '../../src/model/memory-region.ts';
import { buildLayout } from '../../src/qemu/layout-file.ts';
import type { LayoutState } from '../../src/qemu/region-record.ts';
import { EMPTY_FLAT_VIEW, type FlatView, rangeAt, rangesAgree } from '../../src/render/flat-view.ts';
import { renderFlatView } from '../../src/render/render.ts';
import { changedRanges, differenceBetween, flatViewsEqual } from '../../src/render/view-difference.ts';
import { viewRootOf } from '../../src/render/view-root.ts';
import { interestingAddresses, randomLayout } from '../support/random-tree.ts';
import { type Answer, whoAnswers } from '../support/visibility.ts';

const RUNS = { numRuns: 300 };
const addresses = interestingAddresses();
const TOP = 1n << 64n;

const rootsOf = (layout: LayoutState): MemoryRegion[] => [...buildLayout(layout).regionsById.values()];

function shownAt(view: FlatView, address: bigint): Answer | null {
  const range = rangeAt(view, address);
  if (range === null) return null;
  const { region, readonly, nonvolatile, unmergeable } = range;
  const offset = range.offsetInRegion + address - range.start;
  return { region, offset, readonly, nonvolatile, unmergeable };
}

const sameAnswer = (a: Answer | null, b: Answer | null): boolean =>
  a === null || b === null
    ? a === b
    : a.region === b.region &&
      a.offset === b.offset &&
      a.readonly === b.readonly &&
      a.nonvolatile === b.nonvolatile &&
      a.unmergeable === b.unmergeable;

function expectLiteral(view: FlatView, root: MemoryRegion): void {
  const wrong = addresses.filter((address) => !sameAnswer(shownAt(view, address), whoAnswers(root, address)));
  expect(wrong).toEqual([]);
}

function expectCanonical({ ranges }: FlatView): void {
  for (const [index, range] of ranges.entries()) {
    expect(range.size).toBeGreaterThan(0n);
    expect(range.start).toBeGreaterThanOrEqual(0n);
    expect(range.start + range.size).toBeLessThanOrEqual(TOP);
    const before = ranges[index - 1];
    if (before === undefined) continue;
    expect(range.start).toBeGreaterThanOrEqual(before.start + before.size);
    const continues = range.start === before.start + before.size && rangesAgree(before, range);
    expect(continues && !range.unmergeable).toBe(false);
  }
}

test('every region, as a root, shows at each address what the literal rule says', () => {
  fc.assert(
    fc.property(randomLayout(), (layout) => {
      for (const root of rootsOf(layout)) {
        const view = renderFlatView(root);
        expectCanonical(view);
        expectLiteral(view, root);
      }
    }),
    RUNS,
  );
});

test('also where some are unmergeable: what is seen of them, or through them, is in ranges of its own', () => {
  fc.assert(
    fc.property(randomLayout(), fc.infiniteStream(fc.boolean()), (layout, choices) => {
      const roots = rootsOf(layout);
      for (const region of roots) region.setUnmergeable(choices.next().value!);
      for (const root of roots) {
        const view = renderFlatView(root);
        expectCanonical(view);
        expectLiteral(view, root);
      }
    }),
    RUNS,
  );
});

test('also where aliases show what they are in: endless views are refused, all others end', () => {
  let refused = 0;
  let rendered = 0;
  fc.assert(
    fc.property(randomLayout({ cycles: true, regionsMax: 9 }), (layout) => {
      try {
        for (const root of rootsOf(layout)) expectLiteral(renderFlatView(root), root);
        rendered++;
      } catch (error) {
        if (!(error instanceof MemoryError)) throw error;
        expect(error.message).toMatch(/ALIAS_CYCLE|RENDER_TOO_DEEP|RENDER_TOO_LARGE/);
        refused++;
      }
    }),
    RUNS,
  );
  expect(rendered).toBeGreaterThan(refused / 4);
  expect(refused).toBeGreaterThan(0);
});

test('rendering a window gives the part of the view that is in it', () => {
  const window = fc.record({ start: fc.constantFrom(...addresses), size: fc.bigInt(0n, 40n) });
  fc.assert(
    fc.property(randomLayout(), window, (layout, clip) => {
      const root = rootsOf(layout)[0]!;
      const whole = renderFlatView(root);
      const part = renderFlatView(root, clip);
      expectCanonical(part);
      const wrong = addresses.filter((address) => {
        const inside = address >= clip.start && address < clip.start + clip.size;
        return !sameAnswer(shownAt(part, address), inside ? shownAt(whole, address) : null);
      });
      expect(wrong).toEqual([]);
    }),
    RUNS,
  );
});

describe('differences between two views', () => {
  test('are exactly the addresses whose answer differs, merged and ascending', () => {
    fc.assert(
      fc.property(randomLayout(), fc.nat(1000), fc.nat(1000), (layout, first, second) => {
        const roots = rootsOf(layout);
        const before = renderFlatView(roots[first % roots.length]!);
        const after = renderFlatView(roots[second % roots.length]!);
        const changed = changedRanges(differenceBetween(before, after));
        const wrong = addresses.filter((address) => {
          const told = changed.some(({ start, last }) => start <= address && address <= last);
          return told === (identity(before, address) === identity(after, address));
        });
        expect(wrong).toEqual([]);
        for (const [index, { start, last }] of changed.entries()) {
          expect(last).toBeGreaterThanOrEqual(start);
          if (index > 0) expect(start).toBeGreaterThan(changed[index - 1]!.last + 1n);
        }
        expect(flatViewsEqual(before, after)).toBe(changed.length === 0);
      }),
      RUNS,
    );
  });

  test('there are none between a view and itself, or its equal', () => {
    fc.assert(
      fc.property(randomLayout(), (layout) => {
        const root = rootsOf(layout)[0]!;
        const view = renderFlatView(root);
        expect(differenceBetween(view, view)).toEqual([]);
        expect(differenceBetween(view, renderFlatView(root))).toEqual([]);
        expect(flatViewsEqual(view, renderFlatView(root))).toBe(true);
      }),
      { numRuns: 50 },
    );
  });
});

function identity(view: FlatView, address: bigint): string {
  const range = rangeAt(view, address);
  if (range === null) return 'nothing';
  const { region, readonly, nonvolatile, romd } = range;
  return [region.id, range.offsetInRegion - range.start, readonly, nonvolatile, romd].join(' ');
}

describe('the view root', () => {
  test('shows what the root shows, where it skips no flag and no address', () => {
    fc.assert(
      fc.property(randomLayout(), (layout) => {
        for (const root of rootsOf(layout)) {
          const viewRoot = viewRootOf(root);
          const view = renderFlatView(viewRoot);
          if (viewRoot === null) expect(view).toBe(EMPTY_FLAT_VIEW);
          if (viewRoot === root || viewRoot === null)
            expect(flatViewsEqual(view, renderFlatView(viewRoot))).toBe(true);
          if (viewRoot === null) expect(renderFlatView(root).ranges).toEqual([]);
        }
      }),
      RUNS,
    );
  });
});
