/**
 * A port's private TLB: direct-mapped, one entry a page of 4 KiB. Plain numbers of one thread; dropped
 * whole when the port takes another view.
 *
 *   word  meaning
 *   0     read tag: page address (lower half); bits below the page are set where reads must go the slow way
 *   1     write tag: likewise for writes
 *   2     upper half of the page address
 *   3     fast entry: RAM byte minus page address, modulo 2^32. Slow entry: cell of the page's section
 *
 * A load compares `lo & (PAGE_MASK | size - 1)` with the tag, so one compare finds the page and refuses
 * what is not aligned.
 */
export const PAGE_MASK = -4096;
export const TLB_ENTRY_SHIFT = 2;
export const TLB_INDEX_MASK = 1023;
/** In both tags of a page that lies whole in one section, but not in RAM of buffer 0. */
export const TLB_SLOW = 0x800;
/** A tag that no address matches: not even the slow path's compare. */
export const TLB_NOTHING = 0x400;

/** First word of the entry for (hi, lo). */
export const tlbEntry = (hi: number, lo: number): number =>
  (((lo >>> 12) ^ (hi << 5)) & TLB_INDEX_MASK) << TLB_ENTRY_SHIFT;

export const createTlb = (): Int32Array =>
  new Int32Array((TLB_INDEX_MASK + 1) << TLB_ENTRY_SHIFT).fill(TLB_NOTHING);
