/** How far the bytes at an address go on without a device in between: what map() and cache() look at in common. */
import { CELL_UNASSIGNED, CELL_WORDS } from '../layout/map-entry.ts';
import * as section from '../layout/section-record.ts';
import { reach } from './reach.ts';
import type { SlowAccess } from './slow-access.ts';

/** Bytes of RAM behind a stretch of addresses. */
export interface DirectWindow {
  readonly buffer: number;
  readonly byte: number;
  readonly length: number;
}

/**
 * The bytes from (hi, lo) on, up to `length` of them, over following sections while those show the next bytes
 * of the same region; null where (hi, lo) is not memory that such accesses reach directly.
 */
export function directWindow(
  slow: SlowAccess,
  hi: number,
  lo: number,
  length: number,
  isWrite: boolean,
): DirectWindow | null {
  const cell = slow.lookup(hi, lo);
  if (!isDirect(slow, cell, isWrite)) return null;
  const { arena } = slow;
  const first = cell * CELL_WORDS;
  const buffer = arena[first + section.SECTION_RAM_BUFFER]!;
  const region = arena[first + section.SECTION_REGION]!;
  const byte = slow.ramByte(first, lo);
  let reached = reach(slow, cell, hi, lo, length);
  while (reached < length) {
    const atLo = (lo + reached) | 0;
    const atHi = (hi + Math.floor(((lo >>> 0) + reached) / 2 ** 32)) | 0;
    if (atHi === 0 && atLo === 0) break; // 2^64
    const next = slow.lookup(atHi, atLo);
    const word = next * CELL_WORDS;
    const goesOn =
      isDirect(slow, next, isWrite) &&
      arena[word + section.SECTION_RAM_BUFFER] === buffer &&
      arena[word + section.SECTION_REGION] === region &&
      slow.ramByte(word, atLo) === byte + reached;
    if (!goesOn) break;
    reached += reach(slow, next, atHi, atLo, length - reached);
  }
  return { buffer, byte, length: reached };
}

function isDirect(slow: SlowAccess, cell: number, isWrite: boolean): boolean {
  if (cell === CELL_UNASSIGNED) return false;
  const flags = slow.arena[cell * CELL_WORDS + section.SECTION_FLAGS]!;
  if (slow.isBarred(flags)) return false;
  if (!isWrite) return (flags & section.SECTION_FLAG_READ_DIRECT) !== 0;
  return (flags & section.SECTION_FLAG_WRITE_DIRECT) !== 0 || slow.debugWrites(flags);
}
