/** What a delta tells of a flat view: every address that changed, and all that answers there; or that it does not. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ChangedWindows, deltaOf } from '../../src/http/flat-delta.ts';
import { Inventory } from '../../src/http/inventory.ts';
import { AddressSpace } from '../../src/model/address-space.ts';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import { renderAddressSpaces } from '../../src/render/address-space-views.ts';
import type { AddressWindow, FlatView } from '../../src/render/flat-view.ts';

/** Sixteen bytes, of which devices answer at 2, 3, 4, 8 and 9. */
const SIZE = 16;
function view(): FlatView {
  const root = MemoryRegion.container('root', SIZE);
  for (const [start, size] of [
    [2, 1],
    [3, 2],
    [8, 2],
  ] as const)
    root.addSubregion(start, MemoryRegion.io(`at-${start}`, size, null));
  return renderAddressSpaces([new AddressSpace('memory', root)])[0]!.view;
}
const inventory = new Inventory(0);

const windows = fc.array(
  fc
    .tuple(fc.nat(SIZE - 1), fc.nat(SIZE - 1))
    .map(([a, b]): AddressWindow => ({ start: BigInt(Math.min(a, b)), last: BigInt(Math.max(a, b)) })),
);
const isIn = (address: number, list: readonly { readonly start: string; readonly last: string }[]): boolean =>
  list.some(({ start, last }) => BigInt(address) >= BigInt(start) && BigInt(address) <= BigInt(last));
const addresses = Array.from({ length: SIZE }, (_, address) => address);

describe('a delta', () => {
  test('tells every address that changed in any commit, no other, and all that answers there', () => {
    const flat = view();
    fc.assert(
      fc.property(fc.array(windows, { maxLength: 100 }), (commits) => {
        const changed = new ChangedWindows();
        for (const commit of commits) changed.add(commit);
        const delta = deltaOf(flat, changed, inventory);
        expect(delta.complete).toBe(true);
        for (const address of addresses) {
          const hasChanged = commits.some((commit) =>
            commit.some(({ start, last }) => BigInt(address) >= start && BigInt(address) <= last),
          );
          expect(isIn(address, delta.windows)).toBe(hasChanged);
          const answers = flat.ranges.some(
            ({ start, size }) => BigInt(address) >= start && BigInt(address) < start + size,
          );
          if (hasChanged) expect(isIn(address, delta.ranges)).toBe(answers);
        }
        const starts = delta.ranges.map(({ start }) => start);
        expect(new Set(starts).size).toBe(starts.length);
      }),
    );
  });

  test('of too many places says so, however they came together', () => {
    for (const perCommit of [1, 7, 100]) {
      const changed = new ChangedWindows();
      for (let first = 0; first < 100; first += perCommit) {
        const starts = Array.from({ length: Math.min(perCommit, 100 - first) }, (_, index) =>
          BigInt(4 * (first + index)),
        );
        for (let again = 0; again < 5; again += 1)
          changed.add(starts.map((start) => ({ start, last: start })));
      }
      changed.add([{ start: 0n, last: 250n }]); // joins most of them, but who knows what was left out
      expect(deltaOf(view(), changed, inventory)).toEqual({ windows: [], ranges: [], complete: false });
    }
  });
});
