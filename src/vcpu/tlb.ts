/**
 * A port's private TLB: direct-mapped, one entry a page of 4 KiB. Plain numbers of one thread; dropped
 * whole when the port takes another view.
 *
 *   word  meaning
 *   0     read tag: page address (lower half), with the TLB_* bit of entries that are not RAM of buffer 0
 *   1     write tag: likewise. Device entry: device id from bit TLB_DEVICE_SHIFT on, and TLB_DEVICE
 *   2     upper half of the page address
 *   3     RAM entry: RAM byte minus page address. Device entry: offset within the region minus page address.
 *         Slow entry: cell of the page's section. Differences are modulo 2^32
 *
 * A load compares `lo & (PAGE_MASK | size - 1)` with the tag, so one compare finds the page and refuses
 * what is not aligned.
 *
 * The index is the page number plus 2^9 times the upper half, so that RAM from 4 GiB on does not meet the
 * RAM below it. Of the 65,536 accesses of `access/random-mix` 0.1 % miss; an XOR with 32 times the upper half
 * missed 16 %, in 4096 entries too (bench/access.ts; 2048 or 4096 entries gained nothing with this index).
 * What else was tried, with figures: docs/decisions/0022-the-tlb-is-direct-mapped.md.
 */
export const PAGE_MASK = -4096;
/** Entries minus one; the index of (hi, lo) is `((lo >>> 12) + (hi << 9)) & TLB_INDEX_MASK`. */
export const TLB_INDEX_MASK = 1023;
const ENTRY_WORDS = 4;
/** First word of the entry for (hi, lo): `((lo >>> TLB_LO_SHIFT) + (hi << TLB_HI_SHIFT)) & TLB_WORD_MASK`. */
export const TLB_LO_SHIFT = 10;
export const TLB_HI_SHIFT = 11;
export const TLB_WORD_MASK = TLB_INDEX_MASK * ENTRY_WORDS;
/** A page that lies whole in one section, but is neither of the other two kinds. */
export const TLB_SLOW = 0x800;
/** A page whose reads and writes all go to one device, at offsets below TLB_DEVICE_OFFSET_LIMIT. */
export const TLB_DEVICE = 0x200;
/** A tag that no address matches: not even the slow path's compare. */
export const TLB_NOTHING = 0x400;

export const TLB_DEVICE_SHIFT = 12;
export const TLB_DEVICE_ID_LIMIT = 2 ** 19;
export const TLB_DEVICE_OFFSET_LIMIT = 2 ** 31;

export const tlbEntry = (hi: number, lo: number): number =>
  ((lo >>> TLB_LO_SHIFT) + (hi << TLB_HI_SHIFT)) & TLB_WORD_MASK;

export const createTlb = (): Int32Array =>
  new Int32Array((TLB_INDEX_MASK + 1) * ENTRY_WORDS).fill(TLB_NOTHING);

const isBelow = (hi: number, lo: number, otherHi: number, otherLo: number): boolean =>
  hi === otherHi ? lo >>> 0 < otherLo >>> 0 : hi >>> 0 < otherHi >>> 0;

/** Forgets the pages that meet [start, last]; none where `last` is before `start`. */
export function dropRange(
  tlb: Int32Array,
  startHi: number,
  startLo: number,
  lastHi: number,
  lastLo: number,
): void {
  if (isBelow(lastHi, lastLo, startHi, startLo)) return;
  const firstPage = startLo & PAGE_MASK;
  const pagesPast = (lastLo >>> 12) - (firstPage >>> 12) + (lastHi - startHi) * 2 ** 20;
  if (pagesPast > TLB_INDEX_MASK || pagesPast < 0) {
    dropEntries(
      tlb,
      (hi, page) => !isBelow(hi, page, startHi, firstPage) && !isBelow(lastHi, lastLo, hi, page),
    );
    return;
  }
  for (let past = 0; past <= pagesPast; past += 1) {
    const page = (firstPage + past * 4096) | 0;
    const hi = page >>> 0 < firstPage >>> 0 ? (startHi + 1) | 0 : startHi;
    const entry = tlbEntry(hi, page);
    if ((tlb[entry]! & PAGE_MASK) === page && tlb[entry + 2] === hi) forget(tlb, entry);
  }
}

/** Forgets the pages that are remembered by their section's cell: the view that it belongs to is another one. */
export function dropSlowEntries(tlb: Int32Array): void {
  for (let entry = 0; entry < tlb.length; entry += ENTRY_WORDS) {
    if ((tlb[entry]! & ~PAGE_MASK) === TLB_SLOW) forget(tlb, entry);
  }
}

function dropEntries(tlb: Int32Array, isDropped: (hi: number, page: number) => boolean): void {
  for (let entry = 0; entry < tlb.length; entry += ENTRY_WORDS) {
    if (isDropped(tlb[entry + 2]!, tlb[entry]! & PAGE_MASK)) forget(tlb, entry);
  }
}

function forget(tlb: Int32Array, entry: number): void {
  tlb[entry] = TLB_NOTHING;
  tlb[entry + 1] = TLB_NOTHING;
}
