/**
 * Bulk copies through a port, section by section: RAM by block copy, devices in naturally aligned pieces,
 * holes skipped to the next section by the view's sorted list. Errors are OR-ed and do not stop the copy.
 */
import { MEMTX_DECODE_ERROR, MEMTX_OK, type MemTxResult } from '../base/mem-tx-result.ts';
import type { SharedWords } from '../layout/control-block.ts';
import { CELL_UNASSIGNED, cellWord } from '../layout/map-entry.ts';
import * as section from '../layout/section-record.ts';
import { VIEW_SECTION_COUNT, VIEW_SECTIONS } from '../layout/view-header.ts';
import type { SlowAccess } from './slow-access.ts';

/** How far something reaches is counted in bytes as a double: exact where it matters, below the copy's size. */
const distance = (fromHi: number, fromLo: number, toHi: number, toLo: number): number =>
  ((toHi >>> 0) - (fromHi >>> 0)) * 2 ** 32 + ((toLo >>> 0) - (fromLo >>> 0));

export function readBytes(slow: SlowAccess, hi: number, lo: number, into: Uint8Array): MemTxResult {
  let result = MEMTX_OK;
  for (let done = 0; done < into.length; ) {
    const atHi = hiAfter(hi, lo, done);
    const atLo = (lo + done) | 0;
    const cell = slow.lookup(atHi, atLo);
    const word = cellWord(cell);
    const flags = slow.arena[word + section.SECTION_FLAGS]!;
    const count = reach(slow, cell, atHi, atLo, into.length - done);
    if ((flags & section.SECTION_FLAG_READ_DIRECT) !== 0) {
      const { bytes } = slow.ram.get(slow.arena[word + section.SECTION_RAM_BUFFER]!);
      const from = slow.ramByte(word, atLo);
      into.set(bytes.subarray(from, from + count), done);
      done += count;
    } else if ((flags & section.SECTION_FLAG_DEVICE) !== 0) {
      const size = pieceSize(atLo, into.length - done);
      slow.result = MEMTX_OK;
      const value = slow.readDevice(word, atHi, atLo, size);
      for (let i = 0; i < size; i += 1) into[done + i] = value >>> (i << 3);
      result |= slow.result;
      done += size;
    } else {
      into.fill(0, done, done + count);
      result |= MEMTX_DECODE_ERROR;
      done += count;
    }
  }
  return result;
}

export function writeBytes(slow: SlowAccess, hi: number, lo: number, from: Uint8Array): MemTxResult {
  let result = MEMTX_OK;
  for (let done = 0; done < from.length; ) {
    const atHi = hiAfter(hi, lo, done);
    const atLo = (lo + done) | 0;
    const cell = slow.lookup(atHi, atLo);
    const word = cellWord(cell);
    const flags = slow.arena[word + section.SECTION_FLAGS]!;
    const count = reach(slow, cell, atHi, atLo, from.length - done);
    if ((flags & section.SECTION_FLAG_WRITE_DIRECT) !== 0) {
      const { bytes } = slow.ram.get(slow.arena[word + section.SECTION_RAM_BUFFER]!);
      bytes.set(from.subarray(done, done + count), slow.ramByte(word, atLo));
      done += count;
    } else if ((flags & section.SECTION_FLAG_DEVICE) !== 0 && (flags & section.SECTION_FLAG_READONLY) === 0) {
      const size = pieceSize(atLo, from.length - done);
      let value = 0;
      for (let i = 0; i < size; i += 1) value |= from[done + i]! << (i << 3);
      slow.result = MEMTX_OK;
      slow.writeDevice(word, atHi, atLo, size, value);
      result |= slow.result;
      done += size;
    } else {
      result |= MEMTX_DECODE_ERROR;
      done += count;
    }
  }
  return result;
}

/** Upper half of (hi, lo) + done, modulo 2^64. */
function hiAfter(hi: number, lo: number, done: number): number {
  return (hi + Math.floor(((lo >>> 0) + done) / 2 ** 32)) | 0;
}

/** Largest naturally aligned piece of up to 4 bytes at `lo` that is not longer than what is left. */
function pieceSize(lo: number, left: number): number {
  let size = 4;
  while ((lo & (size - 1)) !== 0 || size > left) size >>= 1;
  return size;
}

/** Bytes from (hi, lo) to the end of its section, or of the hole that it lies in; `left` at the most. */
function reach(slow: SlowAccess, cell: number, hi: number, lo: number, left: number): number {
  const { arena } = slow;
  if (cell !== CELL_UNASSIGNED) {
    const word = cellWord(cell);
    const last = distance(
      hi,
      lo,
      arena[word + section.SECTION_LAST_HI]!,
      arena[word + section.SECTION_LAST_LO]!,
    );
    return Math.min(left, last + 1);
  }
  const next = nextSection(arena, slow.view, hi, lo);
  const toTop = distance(hi, lo, -1, -1) + 1; // the copy wraps at 2^64
  if (next === CELL_UNASSIGNED) return Math.min(left, toTop);
  const word = cellWord(next);
  return Math.min(
    left,
    distance(hi, lo, arena[word + section.SECTION_START_HI]!, arena[word + section.SECTION_START_LO]!),
  );
}

/** Cell of the first section that starts after (hi, lo); CELL_UNASSIGNED if there is none. */
function nextSection(arena: SharedWords, view: number, hi: number, lo: number): number {
  const header = cellWord(view);
  const list = cellWord(arena[header + VIEW_SECTIONS]!);
  let low = 0;
  let high = arena[header + VIEW_SECTION_COUNT]!;
  const count = high;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const word = cellWord(arena[list + middle]!);
    const ahead = distance(
      hi,
      lo,
      arena[word + section.SECTION_START_HI]!,
      arena[word + section.SECTION_START_LO]!,
    );
    if (ahead > 0) high = middle;
    else low = middle + 1;
  }
  return low === count ? CELL_UNASSIGNED : arena[list + low]!;
}
