/** A view that is rendered again where a transaction touched it, against one that is rendered from its root. */
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { MemoryError } from '../../src/base/errors.ts';
import { AddressSpace } from '../../src/model/address-space.ts';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import { carryUp } from '../../src/model/touched.ts';
import {
  registerParticipant,
  type TransactionChanges,
  transaction,
  unregisterParticipant,
} from '../../src/model/transaction.ts';
import { VisitBudget } from '../../src/model/visit-budget.ts';
import { buildLayout } from '../../src/qemu/layout-file.ts';
import type { FlatRange, FlatView } from '../../src/render/flat-view.ts';
import { renderFlatView } from '../../src/render/render.ts';
import { type Rerendered, rerenderFlatView } from '../../src/render/rerender.ts';
import { flatViewsEqual } from '../../src/render/view-difference.ts';
import { randomLayout } from '../support/random-tree.ts';

/** Keeps the view of each region by what transactions touch, as a publisher does. */
class Rerenderer {
  readonly views = new Map<MemoryRegion, { view: FlatView; address: bigint }>();
  last: TransactionChanges | null = null;
  private readonly spaces: AddressSpace[] = [];
  private readonly participant = {
    prepare: (changes: TransactionChanges) => {
      this.last = changes;
      return null;
    },
  };

  constructor(roots: Iterable<MemoryRegion>) {
    for (const root of roots) {
      this.spaces.push(new AddressSpace(root.name, root)); // an alias is heard of where it is in use
      this.views.set(root, { view: renderFlatView(root), address: root.address });
    }
    registerParticipant(this.participant);
  }

  end(): void {
    for (const space of this.spaces) space.setRoot(null);
    unregisterParticipant(this.participant);
  }

  /** Runs a transaction; what it throws has changed nothing. */
  run(body: () => void): void {
    this.last = null;
    try {
      transaction(body);
    } catch (error) {
      if (!(error instanceof MemoryError)) throw error;
    }
  }

  /** Renders `root` again, by the last transaction; null where its own address has changed. */
  again(root: MemoryRegion): Rerendered | null {
    const before = this.views.get(root)!;
    if (before.address !== root.address) {
      this.views.set(root, { view: renderFlatView(root), address: root.address });
      return null;
    }
    const windows = (carryUp(this.last?.touched ?? []).get(root) ?? []).map(({ start, end }) => ({
      start: start + root.address,
      end: end + root.address,
    }));
    const rendered = rerenderFlatView(before.view, root, windows, new VisitBudget(), false);
    this.views.set(root, { view: rendered.view, address: root.address });
    return rendered;
  }
}

interface Change {
  readonly kind: number;
  readonly which: number;
  readonly other: number;
  readonly at: bigint;
}
const changes = fc.array(
  fc.array(
    fc.record({
      kind: fc.nat(11),
      which: fc.nat(1000),
      other: fc.nat(1000),
      at: fc.oneof(fc.bigInt(0n, 48n), fc.constantFrom(2n ** 64n - 4n, 1n << 40n)),
    }),
    { minLength: 1, maxLength: 4 },
  ),
  { minLength: 1, maxLength: 6 },
);

function perform({ kind, which, other, at }: Change, regions: readonly MemoryRegion[]): void {
  const region = regions[which % regions.length]!;
  const container = regions[other % regions.length]!;
  if (kind === 0) region.setEnabled(!region.enabled);
  else if (kind === 1) region.setSize(at);
  else if (kind === 2) region.setReadonly(!region.readonly);
  else if (kind === 3) region.setNonvolatile(!region.nonvolatile);
  else if (kind === 4) region.setUnmergeable(!region.unmergeable);
  else if (kind === 5 && region.aliasTarget !== null) region.setAliasOffset(at);
  else if (kind === 6 && region.kind === 'rom-device') region.setRomd(!region.romd);
  else if (kind === 7 && region.container !== null) region.container.delSubregion(region);
  else if (kind === 8 && region.container === null)
    container.addSubregionOverlap(at, region, (other % 3) - 1);
  else if (kind === 9 && region.isRam) region.dirtyLog.setLogsCode(!region.dirtyLog.logsCode);
  else region.setAddress(at);
}

/** Whether `before` with the parts of `difference` replaced is `after`, and nothing else differs. */
function isDifference(before: readonly FlatRange[], { view, difference }: Rerendered): boolean {
  const ranges = [...before];
  for (const part of difference) {
    const at = part.before.length > 0 ? ranges.indexOf(part.before[0]!) : -1;
    const place = at >= 0 ? at : ranges.findIndex(({ start }) => start > part.after[0]!.start);
    const removed = ranges.splice(place < 0 ? ranges.length : place, part.before.length, ...part.after);
    if (removed.some((range, index) => range !== part.before[index])) return false;
  }
  return ranges.length === view.ranges.length && ranges.every((range, i) => range === view.ranges[i]);
}

describe.each([
  ['of trees', false],
  ['of trees in which aliases show what they are in', true],
])('views %s', (_what, cycles) => {
  test('that are rendered again in part are those that are rendered as a whole, from any region', () => {
    fc.assert(
      fc.property(randomLayout({ cycles, regionsMax: cycles ? 8 : 12 }), changes, (layout, groups) => {
        let regions: MemoryRegion[];
        let rerenderer: Rerenderer;
        try {
          regions = [...buildLayout(layout).regionsById.values()];
          rerenderer = new Rerenderer(regions);
        } catch (error) {
          if (error instanceof MemoryError) return; // endless
          throw error;
        }
        try {
          for (const group of groups) {
            rerenderer.run(() => {
              for (const change of group) perform(change, regions);
            });
            for (const root of regions) {
              const before = rerenderer.views.get(root)!.view.ranges;
              const rendered = rerenderer.again(root);
              if (rendered === null) continue;
              expect(flatViewsEqual(rendered.view, renderFlatView(root)), root.name).toBe(true);
              expect(isDifference(before, rendered)).toBe(true);
            }
          }
        } finally {
          rerenderer.end();
        }
      }),
      { numRuns: 400 },
    );
  });
});

describe('of many regions', () => {
  let rerenderer: Rerenderer | null = null;
  afterEach(() => {
    rerenderer?.end();
    rerenderer = null;
  });

  test('a move visits those that it touches, and leaves the chunks of the others as they are', () => {
    const root = MemoryRegion.container('root', 2n ** 64n);
    const bars = Array.from({ length: 2000 }, (_, i) => MemoryRegion.io(`bar ${i}`, 0x1000, null));
    transaction(() => {
      for (const [i, bar] of bars.entries()) root.addSubregion(i * 0x2000, bar);
    });
    rerenderer = new Rerenderer([root]);
    rerenderer.run(() => bars[1000]!.setAddress(1000 * 0x2000 + 0x1000));
    const windows = carryUp(rerenderer.last!.touched).get(root)!;
    const { view } = rerenderer.views.get(root)!;
    // The root and the BAR, each once in both windows: nobody else is looked at.
    const rendered = rerenderFlatView(view, root, windows, new VisitBudget(4), false);
    expect(rendered.difference).toHaveLength(1);
    expect(flatViewsEqual(rendered.view, renderFlatView(root))).toBe(true);
  });
});
