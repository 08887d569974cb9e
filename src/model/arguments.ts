/**
 * What callers may pass to the model. Every check throws MemoryError INVALID_ARGUMENT and names the
 * region, the argument and the legal values; what is returned is exact and in range.
 */
import { SIZE_2_64 } from '../base/addresses.ts';
import { describeValue, invalidArgument } from '../base/arguments.ts';

const OFFSET_MIN = -(1n << 63n);
const PRIORITY_MIN = -(2 ** 31);
const PRIORITY_MAX = 2 ** 31 - 1;

/** Any integer, exact. */
export function integerFromArgument(where: string, what: string, value: unknown): bigint {
  if (typeof value === 'bigint') return value;
  if (typeof value === 'number' && Number.isSafeInteger(value)) return BigInt(value);
  const mend = typeof value === 'number' && Number.isInteger(value) ? '; past 2^53 give a bigint' : '';
  throw invalidArgument(where, `${what} must be an integer, got ${describeValue(value)}${mend}`);
}

/** A size in bytes: 0 to 2^64, both included. */
export function sizeFromArgument(where: string, value: unknown): bigint {
  const size = integerFromArgument(where, 'size', value);
  if (size < 0n || size > SIZE_2_64)
    throw invalidArgument(where, `size must be 0 to 2^64, got ${describeValue(value)}`);
  return size;
}

/** An offset in bytes as 64-bit unsigned; -2^63 to -1 are taken modulo 2^64. */
export function offsetFromArgument(where: string, value: unknown): bigint {
  const offset = integerFromArgument(where, 'offset', value);
  if (offset < OFFSET_MIN || offset >= SIZE_2_64) {
    throw invalidArgument(where, `offset must be -2^63 to 2^64 - 1, got ${describeValue(value)}`);
  }
  return BigInt.asUintN(64, offset);
}

/** A priority: signed 32 bit. */
export function priorityFromArgument(where: string, value: unknown): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < PRIORITY_MIN || value > PRIORITY_MAX) {
    throw invalidArgument(
      where,
      `priority must be an integer from -2^31 to 2^31 - 1, got ${describeValue(value)}`,
    );
  }
  return value + 0; // -0 becomes 0
}

export function booleanFromArgument(where: string, what: string, value: unknown): boolean {
  if (typeof value !== 'boolean')
    throw invalidArgument(where, `${what} must be true or false, got ${describeValue(value)}`);
  return value;
}

export function nameFromArgument(where: string, value: unknown): string {
  if (typeof value !== 'string')
    throw invalidArgument(where, `name must be a string, got ${describeValue(value)}`);
  return value;
}

/** A range of at least one byte that lies inside a region of `regionSize` bytes. */
export function insideFromArguments(
  where: string,
  regionSize: bigint,
  offset: unknown,
  size: unknown,
): { offset: bigint; size: bigint } {
  const range = { offset: offsetFromArgument(where, offset), size: sizeFromArgument(where, size) };
  if (range.size === 0n || range.offset + range.size > regionSize) {
    const got = `0x${range.size.toString(16)} bytes at offset 0x${range.offset.toString(16)}`;
    throw invalidArgument(
      where,
      `must be at least one byte inside 0x${regionSize.toString(16)} bytes, got ${got}`,
    );
  }
  return range;
}
