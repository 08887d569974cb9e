/**
 * MemTxResult: what became of a guest's access. A mask, OR-ed over the pieces of one access.
 * @source QEMU include/exec/memattrs.h: names and values
 */
export const MEMTX_OK = 0;
/** The device said no, threw, or answered with something that is not an integer. */
export const MEMTX_ERROR = 1;
/** Nothing answers at the address, or what does rejects an access of this size or alignment. */
export const MEMTX_DECODE_ERROR = 2;
/** Something is there, but this access is denied. */
export const MEMTX_ACCESS_ERROR = 4;

/** MEMTX_OK, or an OR of the MEMTX_* bits. */
export type MemTxResult = number;
