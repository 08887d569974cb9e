/**
 * MemTxResult: what became of a guest's access. A mask, OR-ed over the pieces of one access.
 * @source QEMU include/exec/memattrs.h: names and values
 */
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

  constructor(result: MemTxResult) {
    this.result = result;
  }
}

const failures = [1, 2, 3, 4, 5, 6, 7].map((result) => Object.freeze(new MemTxFailure(result)));

/** The refusal with `result`, an OR of MEMTX_ERROR, MEMTX_DECODE_ERROR and MEMTX_ACCESS_ERROR. */
export function memTxFailure(result: MemTxResult): MemTxFailure {
  const failure = failures[result - 1];
  if (failure !== undefined) return failure;
  throw new MemoryError(
    'INVALID_ARGUMENT',
    `memTxFailure(${String(result)}): give an OR of MEMTX_ERROR, MEMTX_DECODE_ERROR and MEMTX_ACCESS_ERROR`,
  );
}
