/** The window of a strip: from all of 2^64 down to bytes, and back to where it was. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SPACE_SIZE } from '../../src/http/page/addresses.js';
import * as zoom from '../../src/http/page/zoom.js';

const windowOf = fc
  .tuple(fc.bigInt(0n, SPACE_SIZE - 1n), fc.integer({ min: 4, max: 64 }))
  .map(([start, bits]) => zoom.clamped({ start, size: 1n << BigInt(bits) }));
const isWithin = ({ start, size }: zoom.Window): boolean =>
  start >= 0n && size >= zoom.SIZE_MIN && start + size <= SPACE_SIZE;

test('no step leaves 2^64, or shows less than the least', () => {
  const step = fc.record({
    factor: fc.double({ min: 0.01, max: 100, noNaN: true }),
    at: fc.double({ min: 0, max: 1, noNaN: true }),
  });
  fc.assert(
    fc.property(windowOf, step, (window, { factor, at }) => {
      expect(isWithin(zoom.zoomed(window, factor, at))).toBe(true);
      expect(isWithin(zoom.panned(window, (at - 0.5) * factor))).toBe(true);
      expect(isWithin(zoom.between(window, zoom.WHOLE, at))).toBe(true);
    }),
  );
});

test('what lies under the pointer stays there', () => {
  const window = { start: 0xf000_0000n, size: 0x1000_0000n };
  const under = zoom.addressAt(window, 0.25);
  const closer = zoom.zoomed(window, 0.5, 0.25);
  expect(zoom.addressAt(closer, 0.25)).toBe(under);
  expect(closer.size).toBe(0x800_0000n);
});

test('an address is exact also in the largest window and where a window lies high', () => {
  expect(zoom.addressAt(zoom.WHOLE, 0.5)).toBe(1n << 63n);
  const high = { start: SPACE_SIZE - 16n, size: 16n };
  expect(zoom.addressAt(high, 0.5)).toBe(SPACE_SIZE - 8n);
  expect(zoom.fractionOf(high, SPACE_SIZE - 4n)).toBe(0.75);
});

test('around a range there is room, but where 2^64 ends', () => {
  expect(zoom.around({ start: 0x1000n, last: 0x1fffn })).toEqual({ start: 0xe00n, size: 0x1400n });
  expect(zoom.around({ start: 0n, last: SPACE_SIZE - 1n })).toEqual(zoom.WHOLE);
});

test('all that is mapped fits a power of two', () => {
  expect(
    zoom.content([
      { start: 0n, last: 0x9ffffn },
      { start: 0xb000_0000n, last: 0xbfff_ffffn },
    ]),
  ).toEqual({
    start: 0n,
    size: 1n << 32n,
  });
});

describe('a flight between windows', () => {
  const small = { start: 0xfeb8_0000n, size: 0x20n };
  test('begins and ends where it should, also to the last frames', () => {
    expect(zoom.between(zoom.WHOLE, small, 0)).toEqual(zoom.WHOLE);
    expect(zoom.between(zoom.WHOLE, small, 1)).toEqual(small);
    const nearly = zoom.between(zoom.WHOLE, small, 0.999);
    expect(nearly.start <= small.start && nearly.start + nearly.size >= small.start + small.size).toBe(true);
  });
  test('takes equal factors in equal times', () => {
    const size = (time: number): number => Number(zoom.between(zoom.WHOLE, small, time).size);
    expect((size(0.25) / size(0.5)) * (size(0.75) / size(0.5))).toBeCloseTo(1, 4);
  });
  test('never loses sight of what it flies to', () => {
    fc.assert(
      fc.property(windowOf, fc.double({ min: 0, max: 1, noNaN: true }), (to, time) => {
        const { start, size } = zoom.between(zoom.WHOLE, to, time);
        const dust = 1n + (size >> 40n); // far less than a pixel
        expect(start <= to.start + dust && start + size + dust >= to.start + to.size).toBe(true);
      }),
    );
  });
  test('between windows of one size goes straight', () => {
    const right = { start: small.start + 0x100n, size: small.size };
    expect(zoom.between(small, right, 0.5).start).toBe(small.start + 0x80n);
  });
});
