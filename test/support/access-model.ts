/**
 * What becomes of one access to a device, word for word after the specification (7.2, 7.4, 7.5), on bigints:
 * the calls of its callbacks in their order, the value that a little-endian read gives, the result.
 */
import type { FullAccessRules } from '../../src/base/access-rules.ts';
import { MEMTX_DECODE_ERROR, MEMTX_OK, type MemTxResult } from '../../src/base/mem-tx-result.ts';

export interface ModelCall {
  readonly offset: number;
  readonly size: number;
  /** Null for a read. */
  readonly value: bigint | null;
}

export interface ModelOutcome {
  readonly calls: readonly ModelCall[];
  /** Of a read, cut to the size of the access. */
  readonly value: bigint;
  readonly result: MemTxResult;
}

const bits = (size: number): bigint => (1n << BigInt(8 * size)) - 1n;

/** Left for positive distances, right for negative ones. */
const shifted = (value: bigint, distance: number): bigint =>
  BigInt.asUintN(64, distance >= 0 ? value << BigInt(distance) : value >> BigInt(-distance));

function swapped(value: bigint, size: number): bigint {
  let result = 0n;
  for (let i = 0; i < size; i += 1) result = (result << 8n) | ((value >> BigInt(8 * i)) & 255n);
  return result;
}

function isValid(rules: FullAccessRules, offset: number, size: number): boolean {
  if (!rules.validUnaligned && offset % size !== 0) return false;
  if (rules.validMax === 0) return true;
  return size <= rules.validMax && size >= rules.validMin;
}

/** @param read what the callback answers. @param write what the guest writes; null for a read */
export function modelAccess(
  rules: FullAccessRules,
  offset: number,
  size: number,
  read: (offset: number, size: number) => bigint,
  write: bigint | null,
): ModelOutcome {
  if (!isValid(rules, offset, size)) return { calls: [], value: 0n, result: MEMTX_DECODE_ERROR };
  const min = rules.implMin === 0 ? 1 : rules.implMin;
  const max = rules.implMax === 0 ? 4 : rules.implMax;
  const step = Math.max(Math.min(size, max), min);
  const isBig = rules.endianness === 'big';
  const calls: ModelCall[] = [];
  let value = 0n;
  const written = write === null ? 0n : isBig ? swapped(write & bits(size), size) : write & bits(size);
  for (let i = 0; i < size; i += step) {
    const shift = isBig ? 8 * (size - step - i) : 8 * i;
    if (write === null) {
      value |= shifted(read(offset + i, step) & bits(step), shift);
      calls.push({ offset: offset + i, size: step, value: null });
    } else calls.push({ offset: offset + i, size: step, value: shifted(written, -shift) & bits(step) });
  }
  const order = isBig ? swapped(value & bits(size), size) : value & bits(size);
  return { calls, value: write === null ? order : 0n, result: MEMTX_OK };
}
