/** The radix map against a linear scan, and the shape that it must have. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ADDRESS_LAST, hiFromAddress, loFromAddress, SIZE_2_64 } from '../../src/base/addresses.ts';
import { isHolePage, sectionCovers } from '../../src/dispatch/find-section.ts';
import {
  CELL_UNASSIGNED,
  cellWord,
  entryCell,
  entryIsNode,
  entryLevel,
  LEVEL_COUNT,
  leafEntry,
  NODE_ENTRIES,
} from '../../src/layout/map-entry.ts';
import { MapMaker } from '../support/built-map.ts';
import { type AddressRange, addressesAround, borders, disjointRanges } from '../support/disjoint-ranges.ts';

const range = (start: bigint, end: bigint): AddressRange => ({ start, last: end - 1n });

function expectFound(
  maker: MapMaker,
  root: number,
  ranges: readonly AddressRange[],
  more: bigint[] = [],
): void {
  for (const address of [...addressesAround(ranges), ...more]) {
    if (address > ADDRESS_LAST) continue;
    expect([address, maker.cellAt(root, address)]).toEqual([address, maker.expectedAt(ranges, address)]);
  }
}

describe('lookup', () => {
  test('finds what a linear scan finds, at every border and in between', () => {
    fc.assert(
      fc.property(disjointRanges, fc.array(borders, { maxLength: 8 }), (ranges, more) => {
        const maker = new MapMaker();
        expectFound(maker, maker.build(ranges), ranges, more);
      }),
      { numRuns: 300 },
    );
  });

  test.each<[string, AddressRange[]]>([
    ['nothing', []],
    ['everything', [range(0n, SIZE_2_64)]],
    ['the first byte', [range(0n, 1n)]],
    ['the last byte', [range(ADDRESS_LAST, SIZE_2_64)]],
    ['single bytes side by side', [0, 1, 2, 3, 16, 17, 255].map((at) => range(BigInt(at), BigInt(at + 1)))],
    ['the two halves', [range(0n, 1n << 63n), range(1n << 63n, SIZE_2_64)]],
    ['one page less a byte at each end', [range(4097n, 8191n)]],
    ['RAM at 2^40, 8 GiB', [range(1n << 40n, (1n << 40n) + (1n << 33n))]],
    ['a range over the 4 GiB border', [range(0xffff_f000n, 0x1_0000_1000n)]],
    ['RAM below and above a hole of one byte', [range(0n, 0x1000n), range(0x1001n, 0x2000n)]],
    [
      'sixteen equal neighbours',
      Array.from({ length: 16 }, (_, i) => range(BigInt(i) << 60n, BigInt(i + 1) << 60n)),
    ],
  ])('in a map of %s', (_what, ranges) => {
    const maker = new MapMaker();
    expectFound(maker, maker.build(ranges), ranges);
  });

  test('a page that is said to be a hole is one, and all of a map with holes alone are told', () => {
    fc.assert(
      fc.property(disjointRanges, fc.array(borders, { maxLength: 8 }), (ranges, more) => {
        const maker = new MapMaker();
        const root = maker.build(ranges);
        for (const address of [...addressesAround(ranges), ...more]) {
          if (address > ADDRESS_LAST) continue;
          const first = address & ~0xfffn;
          const [hi, lo] = [hiFromAddress(first), loFromAddress(first)];
          const said = isHolePage(maker.words, root, hi, lo, lo | 0xfff);
          const isMet = ranges.some((each) => each.start <= (first | 0xfffn) && each.last >= first);
          if (said) expect([address, isMet]).toEqual([address, false]);
          // Where every border is a page's, no smaller piece can be in the way.
          if (ranges.every((each) => (each.start & 0xfffn) === 0n && (each.last & 0xfffn) === 0xfffn))
            expect([address, said]).toEqual([address, !isMet]);
        }
      }),
      { numRuns: 300 },
    );
    const page = { start: 0x5000n, last: 0x5fffn };
    const maker = new MapMaker();
    const root = maker.build([page, { start: 0x9000n, last: 0x9fffn }]);
    const told = Array.from({ length: 16 }, (_, i) =>
      isHolePage(maker.words, root, 0, i << 12, (i << 12) | 0xfff),
    );
    expect(told.flatMap((isHole, i) => (isHole ? [] : [i]))).toEqual([5, 9]);
  });

  test('a section covers its first and last address and nothing beside', () => {
    fc.assert(
      fc.property(borders, borders, fc.array(borders), (a, b, probes) => {
        fc.pre(a !== b);
        const one: AddressRange = a < b ? range(a, b) : range(b, a);
        const maker = new MapMaker();
        const cell = maker.sectionOf(one);
        for (const address of [
          ...addressesAround([one]),
          ...probes.filter((probe) => probe <= ADDRESS_LAST),
        ]) {
          const covers = sectionCovers(maker.words, cell, hiFromAddress(address), loFromAddress(address));
          expect([address, covers]).toEqual([address, one.start <= address && address <= one.last]);
        }
      }),
    );
  });
});

/** Faults in the shape of a map; every node is looked at. */
function shapeFaults({ words }: MapMaker, root: number): string[] {
  const faults: string[] = [];
  const visited = new Set<number>();
  /** @returns the sections under the entry */
  const visit = (entry: number, below: number): Set<number> => {
    const cell = entryCell(entry);
    if (!entryIsNode(entry)) return new Set(cell === CELL_UNASSIGNED ? [] : [cell]);
    const level = entryLevel(entry);
    if (level < 0 || level >= LEVEL_COUNT || level >= below)
      faults.push(`level ${level} under level ${below}`);
    if (visited.has(cell)) faults.push(`node ${cell} is reached twice`);
    visited.add(cell);
    const entries = [...words.subarray(cellWord(cell), cellWord(cell) + NODE_ENTRIES)];
    const used = entries.filter((child) => child !== leafEntry(CELL_UNASSIGNED));
    if (used.length < 2) faults.push(`node ${cell} has ${used.length} children`);
    const sections = new Set(entries.flatMap((child) => [...visit(child, level)]));
    if (sections.size < 2) faults.push(`node ${cell} tells no sections apart`);
    return sections;
  };
  visit(root, LEVEL_COUNT);
  return faults;
}

describe('the shape of a map', () => {
  test('levels descend, every node has several children and tells sections apart', () => {
    fc.assert(
      fc.property(disjointRanges, (ranges) => {
        const maker = new MapMaker();
        expect(shapeFaults(maker, maker.build(ranges))).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  test('depends on what is in it, not on how it came about: a map that was changed is the one that is built', () => {
    const windows = fc.array(fc.tuple(borders, borders, disjointRanges), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(disjointRanges, windows, (first, changes) => {
        const maker = new MapMaker();
        let ranges = [...first];
        let root = maker.build(ranges);
        for (const [a, b, others] of changes) {
          // A window takes in whole what it meets.
          let [start, last] = a < b ? [a, b] : [b, a];
          if (last > ADDRESS_LAST) last = ADDRESS_LAST;
          if (start > last) start = last;
          const isMet = (each: AddressRange): boolean => each.start <= last && each.last >= start;
          for (const each of ranges.filter(isMet)) {
            if (each.start < start) start = each.start;
            if (each.last > last) last = each.last;
          }
          const added = others.filter((each) => each.start >= start && each.last <= last);
          root = maker.replace(root, { start, last }, added);
          ranges = [...ranges.filter((each) => !isMet(each)), ...added];
          ranges.sort((x, y) => (x.start < y.start ? -1 : 1));
          expect(root).toBe(maker.build(ranges));
          expect(shapeFaults(maker, root)).toEqual([]);
        }
        expectFound(maker, root, ranges);
      }),
      { numRuns: 300 },
    );
  });

  test('a range alone is a leaf without a node, wherever it is and however large', () => {
    const maker = new MapMaker();
    for (let level = 0; level < LEVEL_COUNT; level += 1) {
      const size = 16n ** BigInt(level);
      const alone = { start: 3n * size, last: 5n * size };
      expect(maker.build([alone])).toBe(leafEntry(maker.sectionOf(alone)));
    }
  });
});
