/** Disjoint address ranges for property tests, with borders where maps break: powers of two, pages, the ends. */
import fc from 'fast-check';
import { ADDRESS_LAST, SIZE_2_64 } from '../../src/base/addresses.ts';

export interface AddressRange {
  readonly start: bigint;
  /** Inclusive. */
  readonly last: bigint;
}

const nearPowerOfTwo = fc
  .tuple(fc.integer({ min: 0, max: 64 }), fc.integer({ min: -2, max: 2 }))
  .map(([bits, delta]) => (1n << BigInt(bits)) + BigInt(delta));
const nearPage = fc
  .tuple(fc.integer({ min: 0, max: 40 }), fc.integer({ min: -1, max: 1 }))
  .map(([page, delta]) => BigInt(page) * 4096n + BigInt(delta));
const lowByte = fc.integer({ min: 0, max: 48 }).map(BigInt);
const atRam = fc.integer({ min: -8, max: 8 }).map((delta) => (1n << 40n) + BigInt(delta));
const anywhere = fc.bigInt({ min: 0n, max: SIZE_2_64 });

/** Where something may begin or end: 0 to 2^64. */
export const borders: fc.Arbitrary<bigint> = fc
  .oneof(nearPowerOfTwo, nearPage, lowByte, atRam, anywhere)
  .map((address) => (address < 0n ? 0n : address > SIZE_2_64 ? SIZE_2_64 : address));

/** Ascending and disjoint; neighbours may touch. */
export const disjointRanges: fc.Arbitrary<AddressRange[]> = fc
  .tuple(
    fc.uniqueArray(borders, { minLength: 2, maxLength: 24 }),
    fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 24, maxLength: 24 }),
  )
  .map(([points, kinds]) => {
    const sorted = [...points].sort((a, b) => (a < b ? -1 : 1));
    return sorted
      .slice(0, -1)
      .map((start, i) => ({ start, last: sorted[i + 1]! - 1n }))
      .filter((_, i) => kinds[i] !== 0); // one in four is a hole
  });

/** Each border, the addresses beside it, and the ends of the address space. */
export function addressesAround(ranges: readonly AddressRange[]): bigint[] {
  const around = ranges.flatMap(({ start, last }) => [
    start - 1n,
    start,
    start + 1n,
    last - 1n,
    last,
    last + 1n,
  ]);
  const inside = [...around, 0n, ADDRESS_LAST].filter((address) => address >= 0n && address <= ADDRESS_LAST);
  return [...new Set(inside)];
}
