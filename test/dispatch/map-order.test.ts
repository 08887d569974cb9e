/** The sections of a map in order, against the list that it was made of. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ADDRESS_LAST, hiFromAddress, loFromAddress } from '../../src/base/addresses.ts';
import { eachSection, sectionAfter } from '../../src/dispatch/map-order.ts';
import { CELL_UNASSIGNED } from '../../src/layout/map-entry.ts';
import { MapMaker } from '../support/built-map.ts';
import { addressesAround, borders, disjointRanges } from '../support/disjoint-ranges.ts';

test('every section is visited once, by ascending address, until the visitor has had enough', () => {
  fc.assert(
    fc.property(disjointRanges, fc.nat(24), (ranges, enough) => {
      const maker = new MapMaker();
      const root = maker.build(ranges);
      const cells = ranges.map((range) => maker.sectionOf(range));
      const all: number[] = [];
      expect(eachSection(maker.words, root, (cell) => all.push(cell) < 0)).toBe(false);
      expect(all).toEqual(cells);
      const some: number[] = [];
      const isStopped = eachSection(maker.words, root, (cell) => some.push(cell) > enough);
      expect(some).toEqual(cells.slice(0, enough + 1));
      expect(isStopped).toBe(cells.length > enough);
    }),
    { numRuns: 200 },
  );
});

test('after a hole comes the next section, or none', () => {
  fc.assert(
    fc.property(disjointRanges, fc.array(borders, { maxLength: 8 }), (ranges, more) => {
      const maker = new MapMaker();
      const root = maker.build(ranges);
      for (const address of [...addressesAround(ranges), ...more]) {
        if (address > ADDRESS_LAST || maker.cellAt(root, address) !== CELL_UNASSIGNED) continue;
        const next = ranges.find(({ start }) => start > address);
        const found = sectionAfter(maker.words, root, hiFromAddress(address), loFromAddress(address));
        expect([address, found]).toEqual([address, next ? maker.sectionOf(next) : CELL_UNASSIGNED]);
      }
    }),
    { numRuns: 300 },
  );
});
