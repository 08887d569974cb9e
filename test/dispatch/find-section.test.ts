/** The radix map against a linear scan, and the shape that it must have. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ADDRESS_LAST, hiFromAddress, loFromAddress, SIZE_2_64 } from '../../src/base/addresses.ts';
import { findSection, sectionCovers } from '../../src/dispatch/find-section.ts';
import {
  CELL_FIRST_FREE,
  CELL_UNASSIGNED,
  CELL_WORDS,
  cellWord,
  entryCell,
  entryIsNode,
  entryLevel,
  LEVEL_COUNT,
  leafEntry,
  NODE_ENTRIES,
} from '../../src/layout/map-entry.ts';
import {
  SECTION_LAST_HI,
  SECTION_LAST_LO,
  SECTION_START_HI,
  SECTION_START_LO,
} from '../../src/layout/section-record.ts';
import { MapBuilder } from '../../src/publish/map-builder.ts';
import { type AddressRange, addressesAround, borders, disjointRanges } from '../support/disjoint-ranges.ts';

const CELLS = 4096;

/** A map of `ranges` in words of its own: section i in cell CELL_FIRST_FREE + i, the nodes behind them. */
class BuiltMap {
  readonly words = new Int32Array(new SharedArrayBuffer(4 * CELL_WORDS * CELLS));
  readonly root: number;
  readonly ranges: readonly AddressRange[];
  readonly firstNode: number;
  nextCell: number;

  constructor(
    ranges: readonly AddressRange[],
    builder: MapBuilder,
    order: readonly number[] = [...ranges.keys()],
  ) {
    this.ranges = ranges;
    this.writeSection(CELL_UNASSIGNED, { start: 0n, last: ADDRESS_LAST });
    builder.clear();
    for (const index of order) {
      const { start, last } = ranges[index]!;
      const cell = CELL_FIRST_FREE + index;
      this.writeSection(cell, ranges[index]!);
      builder.setRange(
        ...[hiFromAddress(start), loFromAddress(start)],
        ...([hiFromAddress(last), loFromAddress(last), cell] as const),
      );
    }
    this.firstNode = CELL_FIRST_FREE + ranges.length;
    this.nextCell = this.firstNode;
    this.root = builder.write(this.words, () => this.nextCell++);
  }

  cellAt(address: bigint): number {
    return findSection(this.words, this.root, hiFromAddress(address), loFromAddress(address));
  }

  /** What a linear scan finds. */
  expectedAt(address: bigint): number {
    const index = this.ranges.findIndex(({ start, last }) => start <= address && address <= last);
    return index < 0 ? CELL_UNASSIGNED : CELL_FIRST_FREE + index;
  }

  private writeSection(cell: number, { start, last }: AddressRange): void {
    const word = cellWord(cell);
    this.words[word + SECTION_START_HI] = hiFromAddress(start);
    this.words[word + SECTION_START_LO] = loFromAddress(start);
    this.words[word + SECTION_LAST_HI] = hiFromAddress(last);
    this.words[word + SECTION_LAST_LO] = loFromAddress(last);
  }
}

const builder = new MapBuilder();

describe('lookup', () => {
  test('finds what a linear scan finds, at every border and in between', () => {
    fc.assert(
      fc.property(disjointRanges, fc.array(borders, { maxLength: 8 }), (ranges, more) => {
        const map = new BuiltMap(ranges, builder);
        for (const address of [...addressesAround(ranges), ...more]) {
          if (address > ADDRESS_LAST) continue;
          expect([address, map.cellAt(address)]).toEqual([address, map.expectedAt(address)]);
        }
      }),
      { numRuns: 300 },
    );
  });

  const range = (start: bigint, end: bigint): AddressRange => ({ start, last: end - 1n });
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
    const map = new BuiltMap(ranges, builder);
    for (const address of addressesAround(ranges)) expect(map.cellAt(address)).toBe(map.expectedAt(address));
  });

  test('a section covers its first and last address and nothing beside', () => {
    fc.assert(
      fc.property(borders, borders, fc.array(borders), (a, b, probes) => {
        fc.pre(a !== b);
        const one: AddressRange = a < b ? range(a, b) : range(b, a);
        const map = new BuiltMap([one], builder);
        for (const address of [
          ...addressesAround([one]),
          ...probes.filter((probe) => probe <= ADDRESS_LAST),
        ]) {
          const covers = sectionCovers(
            ...([map.words, CELL_FIRST_FREE] as const),
            ...([hiFromAddress(address), loFromAddress(address)] as const),
          );
          expect([address, covers]).toEqual([address, one.start <= address && address <= one.last]);
        }
      }),
    );
  });
});

/** Faults in the shape of a map; every node is looked at. */
function shapeFaults(map: BuiltMap): string[] {
  const faults: string[] = [];
  const visited = new Set<number>();
  const visit = (entry: number, below: number): void => {
    const cell = entryCell(entry);
    if (!entryIsNode(entry)) {
      if (cell !== CELL_UNASSIGNED && (cell < CELL_FIRST_FREE || cell >= map.firstNode))
        faults.push(`leaf ${cell}`);
      return;
    }
    const level = entryLevel(entry);
    if (level < 0 || level >= LEVEL_COUNT || level >= below)
      faults.push(`level ${level} under level ${below}`);
    if (cell < map.firstNode || cell >= map.nextCell) faults.push(`node in cell ${cell}`);
    if (visited.has(cell)) faults.push(`node ${cell} is reached twice`);
    visited.add(cell);
    const entries = [...map.words.subarray(cellWord(cell), cellWord(cell) + NODE_ENTRIES)];
    const used = entries.filter((child) => child !== leafEntry(CELL_UNASSIGNED));
    if (used.length < 2) faults.push(`node ${cell} has ${used.length} children`);
    if (new Set(entries).size === 1) faults.push(`node ${cell} has one leaf for all addresses`);
    for (const child of entries) visit(child, level);
  };
  visit(map.root, LEVEL_COUNT);
  if (visited.size !== map.nextCell - map.firstNode) faults.push('a node was written that nothing reaches');
  return faults;
}

describe('the shape of a map', () => {
  test('levels descend, no node has a single child, all that is written is reached, cells are in the arena', () => {
    fc.assert(
      fc.property(disjointRanges, (ranges) => {
        expect(shapeFaults(new BuiltMap(ranges, builder))).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  test('does not depend on the order of the ranges, nor on what the builder built before', () => {
    fc.assert(
      fc.property(disjointRanges, disjointRanges, fc.infiniteStream(fc.nat()), (before, ranges, random) => {
        const used = new MapBuilder();
        new BuiltMap(before, used);
        const keys = new Map(ranges.map((_, index) => [index, random.next().value as number]));
        const shuffled = [...ranges.keys()].sort((a, b) => keys.get(a)! - keys.get(b)!);
        const map = new BuiltMap(ranges, used, shuffled);
        const fresh = new BuiltMap(ranges, new MapBuilder());
        expect(map.root).toBe(fresh.root);
        expect(Buffer.from(map.words.buffer).equals(Buffer.from(fresh.words.buffer))).toBe(true);
      }),
    );
  });

  test('a range of one aligned power of 16 is a leaf without a node, wherever it is', () => {
    for (let level = 0; level < LEVEL_COUNT; level += 1) {
      const size = 16n ** BigInt(level);
      const map = new BuiltMap([{ start: 3n * size, last: 4n * size - 1n }], builder);
      expect(map.nextCell).toBe(map.firstNode);
      expect(map.root).toBe(leafEntry(CELL_FIRST_FREE));
    }
  });

  test('a builder that failed in the middle of writing builds the next map right', () => {
    const ranges = [0n, 0x1000n, 0x10_0001n, 1n << 40n].map((start) => ({ start, last: start + 6n }));
    const broken = new MapBuilder();
    for (const { start, last } of ranges) {
      broken.setRange(
        hiFromAddress(start),
        loFromAddress(start),
        hiFromAddress(last),
        loFromAddress(last),
        7,
      );
    }
    let left = 2;
    const scarce = (): number => {
      left -= 1;
      if (left < 0) throw new Error('full');
      return 100 + left;
    };
    expect(() => broken.write(new Int32Array(new SharedArrayBuffer(1 << 16)), scarce)).toThrow('full');
    const map = new BuiltMap(ranges, broken);
    expect(shapeFaults(map)).toEqual([]);
    for (const address of addressesAround(ranges)) expect(map.cellAt(address)).toBe(map.expectedAt(address));
  });
});
