/** What a port remembers of single addresses: nothing until put, exactly what was put, nothing after a drop. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CELL_UNKNOWN, CellCache } from '../../src/vcpu/cell-cache.ts';

const half = fc.oneof(fc.integer({ min: 0, max: 0x7ff }), fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }));

test('knows no address at first, and none after drop()', () => {
  const cache = new CellCache();
  const known = () =>
    Array.from({ length: 0x1_0000 }, (_, port) => port).filter(
      (port) => cache.cellAt(0, port) !== CELL_UNKNOWN || cache.deviceEntry(0, port, 1) >= 0,
    );
  expect(known()).toEqual([]);
  for (let port = 0; port < 0x400; port += 1) cache.put(0, port, port + 1);
  cache.putDevice(0, 0x500, 9, 0);
  expect(known()).not.toEqual([]);
  cache.drop();
  expect(known()).toEqual([]);
});

test('tells of an address what was put for it last, or nothing', () => {
  const put = fc.record({
    hi: half,
    lo: half,
    cell: fc.integer({ min: 1, max: 2 ** 26 }),
    isDevice: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(put, { maxLength: 400 }), (puts) => {
      const cache = new CellCache();
      const last = new Map<string, (typeof puts)[0]>();
      for (const each of puts) {
        const { hi, lo, cell, isDevice } = each;
        if (isDevice) cache.putDevice(hi, lo, cell, cell >>> 1);
        else cache.put(hi, lo, cell);
        last.set(`${hi} ${lo}`, each);
        expect(cache.cellAt(hi, lo)).toBe(cell);
      }
      for (const { hi, lo, cell, isDevice } of last.values()) {
        expect([CELL_UNKNOWN, cell]).toContain(cache.cellAt(hi, lo));
        const isKnown = cache.cellAt(hi, lo) === cell;
        const entry = cache.deviceEntry(hi, lo, 1);
        expect(entry >= 0).toBe(isKnown && isDevice);
        if (entry >= 0)
          expect([cache.sectionWord(entry), cache.offset(entry)]).toEqual([cell * 16, cell >>> 1]);
      }
    }),
  );
});

test.each([
  [0x3f8, 8, true],
  [0x3f9, 2, false],
  [0x3fa, 2, true],
  [0x3fa, 4, false],
])('a device at 0x%s takes %i bytes whole: %s', (port, size, isWhole) => {
  const cache = new CellCache();
  cache.putDevice(0, port, 5, 0);
  expect(cache.deviceEntry(0, port, size) >= 0).toBe(isWhole);
});
