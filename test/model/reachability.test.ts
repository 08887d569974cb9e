/** Climbing against looking everywhere: who sees a region, over random trees and random changes. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { AddressSpace } from '../../src/model/address-space.ts';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import { regionsAbove, rootsSeeing } from '../../src/model/reachability.ts';
import { transaction } from '../../src/model/transaction.ts';
import { buildLayout } from '../../src/qemu/layout-file.ts';
import { randomLayout } from '../support/random-tree.ts';
import { treeState } from '../support/tree-state.ts';

function reachableFrom(root: MemoryRegion): Set<MemoryRegion> {
  const reached = new Set([root]);
  for (const region of reached) {
    for (const child of region.children) reached.add(child);
    if (region.aliasTarget !== null) reached.add(region.aliasTarget);
  }
  return reached;
}

type Change = (regions: readonly MemoryRegion[], spaces: readonly AddressSpace[]) => void;

const pick = <T>(things: readonly T[], choice: number): T => things[choice % things.length]!;

/** Changes that are always legal. */
const change = fc
  .record({ what: fc.nat(6), which: fc.nat(1000), where: fc.nat(1000), value: fc.nat(40) })
  .map(({ what, which, where, value }): Change => {
    const changes: Change[] = [
      (regions) => {
        const region = pick(regions, which);
        region.container?.delSubregion(region);
      },
      (regions) => {
        const [child, parent] = [pick(regions, which), pick(regions, where)];
        const free = child.container === null && parent.kind !== 'alias' && !reachableFrom(child).has(parent);
        if (free) parent.addSubregionOverlap(value, child, value % 3);
      },
      (regions) => pick(regions, which).setAddress(value),
      (regions) => pick(regions, which).setEnabled(value % 2 === 0),
      (regions) => pick(regions, which).setSize(value),
      (regions, spaces) => pick(spaces, which).setRoot(value % 4 === 0 ? null : pick(regions, where)),
      (regions) => {
        const region = pick(regions, which);
        if (region.kind === 'alias') region.setAliasOffset(value);
      },
    ];
    return changes[what]!;
  });

test('climbing finds exactly the address spaces from which a region can be reached', () => {
  fc.assert(
    fc.property(randomLayout(), fc.array(change, { maxLength: 30 }), (layout, changes) => {
      const { regionsById, addressSpaces } = buildLayout(layout);
      const regions = [...regionsById.values()];
      for (const apply of changes) apply(regions, addressSpaces);
      const reached = addressSpaces.map(({ root }) =>
        root === null ? new Set<MemoryRegion>() : reachableFrom(root),
      );
      for (const region of regions) {
        const seeing = addressSpaces.filter((_space, index) => reached[index]!.has(region));
        expect(new Set(rootsSeeing([region]))).toEqual(new Set(seeing));
        expect([...regionsAbove([region])].every((above) => reachableFrom(above).has(region))).toBe(true);
      }
    }),
    { numRuns: 200 },
  );
});

test('a region remembers no one who does not see it: unmapped trees leave nothing behind', () => {
  fc.assert(
    fc.property(randomLayout(), (layout) => {
      const { regionsById, addressSpaces } = buildLayout(layout);
      const regions = [...regionsById.values()];
      for (const space of addressSpaces) space.setRoot(null);
      for (const region of regions) region.container?.delSubregion(region);
      for (const { links } of regions)
        expect([links.seenBy.size, links.rootOf.size, links.inUse]).toEqual([0, 0, false]);
    }),
    { numRuns: 100 },
  );
});

test('whatever a transaction did, a throw takes it back', () => {
  fc.assert(
    fc.property(
      randomLayout(),
      fc.array(fc.array(change, { maxLength: 12 }), { maxLength: 4 }),
      (layout, rounds) => {
        const { regionsById, addressSpaces } = buildLayout(layout);
        const regions = [...regionsById.values()];
        const before = treeState(regions, addressSpaces);
        const nest = (round: number): void => {
          for (const apply of rounds[round] ?? []) apply(regions, addressSpaces);
          if (round < rounds.length) transaction(() => nest(round + 1));
          else throw new Error('taken back');
        };
        expect(() => transaction(() => nest(0))).toThrow('taken back');
        expect(treeState(regions, addressSpaces)).toEqual(before);
      },
    ),
    { numRuns: 200 },
  );
});

test('an alias registers once, however many ways lead to it, and stays until the last is gone', () => {
  const target = MemoryRegion.ram('target', 1);
  const inner = MemoryRegion.alias('inner', target, 0, 1);
  const tree = MemoryRegion.container('tree', 8);
  const outers = [0, 1].map((offset) => {
    const outer = MemoryRegion.alias('outer', inner, 0, 1);
    tree.addSubregion(offset, outer);
    return outer;
  });
  const space = new AddressSpace('space', inner);
  expect([...target.links.seenBy]).toEqual([inner]);
  for (const outer of outers) tree.delSubregion(outer);
  expect([...target.links.seenBy]).toEqual([inner]);
  space.setRoot(null);
  expect(target.links.inUse).toBe(false);
});
