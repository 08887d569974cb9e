/**
 * MemTxResult: what became of a guest's access. A mask, OR-ed over the pieces of one access.
 * @source QEMU include/exec/memattrs.h: names and values
 */
import { describeValue } from './arguments.ts';
import { MemoryError } from './errors.ts';

export const MEMTX_OK = 0;
/** The device said no, threw, or answered with something that is not an integer. */
export const MEMTX_ERROR = 1;
/** Nothing answers at the address, or what does rejects an access of this size or alignment. */
export const MEMTX_DECODE_ERROR = 2;
/** Something is there, but this access is denied. */
export const MEMTX_ACCESS_ERROR = 4;

/** MEMTX_OK, or an OR of the MEMTX_* bits. */
export type MemTxResult = number;

/** What a device's read returns in place of a value when it refuses. */
export class MemTxFailure {
  readonly result: MemTxResult;
  readonly #made = true;

  constructor(result: MemTxResult) {
    this.result = result;
  }

  /** Whether it was made here; asks nothing of the value, which may be a device's trap. */
  static is(value: unknown): value is MemTxFailure {
    return typeof value === 'object' && value !== null && #made in value;
  }
}

const failures = [1, 2, 3, 4, 5, 6, 7].map((result) => new MemTxFailure(result));
for (const failure of failures) Object.freeze(failure);

/** The refusal with `result`, an OR of MEMTX_ERROR, MEMTX_DECODE_ERROR and MEMTX_ACCESS_ERROR. */
export function memTxFailure(result: MemTxResult): MemTxFailure {
  const failure = typeof result === 'number' ? failures[result - 1] : undefined;
  if (failure !== undefined) return failure;
  throw new MemoryError(
    'INVALID_ARGUMENT',
    `memTxFailure(${describeValue(result)}): give an OR of MEMTX_ERROR, MEMTX_DECODE_ERROR and MEMTX_ACCESS_ERROR`,
  );
}
