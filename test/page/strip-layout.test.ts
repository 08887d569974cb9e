/** What a strip draws: to scale, nothing too small to see, several small ones as one mark. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { extentOf, itemsOf, ticksOf, WIDTH_MIN } from '../../src/http/page/strip-layout.js';
import { WHOLE } from '../../src/http/page/zoom.js';

const WIDTH = 800;
const rangeOf = (start: bigint, last: bigint, name = 'r') => ({
  ...{ start, last, name, type: 'ram', region: name, offset: 0n, priority: 0 },
});
const FOUR_GIB = { start: 0n, size: 1n << 32n };

describe('items', () => {
  test('are to scale', () => {
    const [item] = itemsOf([rangeOf(0n, 0x7fff_ffffn)], FOUR_GIB, WIDTH);
    expect(item).toMatchObject({ x: 0, width: WIDTH / 2 });
  });
  test('are cut at the borders of the window', () => {
    const items = itemsOf(
      [rangeOf(0n, 0x1fffn), rangeOf(0x3000n, 0x8fffn)],
      { start: 0x1000n, size: 0x4000n },
      WIDTH,
    );
    expect(items.map(({ x, width }) => [x, width])).toEqual([
      [0, 200],
      [400, 400],
    ]);
  });
  test('that one could not see have a least width', () => {
    const [item] = itemsOf([rangeOf(0xfec0_0000n, 0xfec0_0fffn)], FOUR_GIB, WIDTH);
    expect(item).toMatchObject({ width: WIDTH_MIN, ranges: [{ name: 'r' }] });
  });
  test('side by side and too small are one mark', () => {
    const tiny = [0n, 1n, 2n].map((page) =>
      rangeOf(0xfebd_0000n + page * 0x1000n, 0xfebd_0fffn + page * 0x1000n),
    );
    const items = itemsOf(tiny, FOUR_GIB, WIDTH);
    expect(items).toHaveLength(1);
    expect(items[0]!.ranges).toHaveLength(3);
    expect(itemsOf(tiny, { start: 0xfebd_0000n, size: 0x4000n }, WIDTH)).toHaveLength(3);
  });
  test('of any view are in the strip, in order, do not lie on each other, and hold every range in sight once', () => {
    const edges = fc.uniqueArray(fc.bigInt(0n, (1n << 40n) - 1n), { minLength: 2, maxLength: 80 });
    const bits = fc.integer({ min: 4, max: 64 });
    fc.assert(
      fc.property(edges, bits, (unsorted, windowBits) => {
        const sorted = unsorted.sort((a, b) => (a < b ? -1 : 1));
        const ranges = sorted.slice(1).map((last, index) => rangeOf(sorted[index]! + 1n, last, `${index}`));
        const window = { start: 0n, size: 1n << BigInt(windowBits) };
        const items = itemsOf(ranges, window, WIDTH);
        let x = 0;
        for (const item of items) {
          expect(item.x).toBeGreaterThanOrEqual(x - 1e-6);
          x = item.x + item.width;
        }
        expect(x).toBeLessThanOrEqual(WIDTH + 1e-6);
        const seen = ranges.filter(({ start }) => start < window.size);
        expect(items.flatMap((item) => item.ranges)).toEqual(seen);
      }),
    );
  });
});

describe('ticks', () => {
  test('are round in hex and not too close', () => {
    const ticks = ticksOf({ start: 0xfeb7_1234n, size: 0x8_0000n }, WIDTH);
    expect(ticks.length).toBeGreaterThan(2);
    for (const { address } of ticks) expect(address % 0x1_0000n).toBe(0n);
  });
  test('are few in any window', () => {
    expect(ticksOf(WHOLE, WIDTH).length).toBeLessThan(9);
    expect(ticksOf({ start: 3n, size: 16n }, WIDTH).length).toBeLessThan(9);
  });
});

test('a span outside of the window has no place, a small one is 2 pixels wide', () => {
  expect(extentOf({ start: 1n << 40n, last: (1n << 40n) + 1n }, FOUR_GIB, WIDTH)).toBe(null);
  expect(extentOf({ start: 1n << 31n, last: 1n << 31n }, FOUR_GIB, WIDTH)).toEqual({ x: 400, width: 2 });
});
