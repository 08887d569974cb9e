/** How far a section, or the hole between two, goes on in the view that a reader uses. */
import { sectionAfter } from '../dispatch/map-order.ts';
import type { SharedWords } from '../layout/control-block.ts';
import { CELL_UNASSIGNED, cellWord } from '../layout/map-entry.ts';
import {
  SECTION_LAST_HI,
  SECTION_LAST_LO,
  SECTION_START_HI,
  SECTION_START_LO,
} from '../layout/section-record.ts';
import { VIEW_MAP_ROOT } from '../layout/view-header.ts';
import type { ViewReader } from './view-reader.ts';

/** Bytes from one address to another as a double: exact where it matters, below the length of a copy. */
const distance = (fromHi: number, fromLo: number, toHi: number, toLo: number): number =>
  ((toHi >>> 0) - (fromHi >>> 0)) * 2 ** 32 + ((toLo >>> 0) - (fromLo >>> 0));

/** Bytes from (hi, lo) to the end of its section, or of the hole that it lies in; `left` at the most. */
export function reach(reader: ViewReader, cell: number, hi: number, lo: number, left: number): number {
  const { arena } = reader;
  if (cell !== CELL_UNASSIGNED) {
    const word = cellWord(cell);
    return Math.min(
      left,
      distance(hi, lo, arena[word + SECTION_LAST_HI]!, arena[word + SECTION_LAST_LO]!) + 1,
    );
  }
  const next = sectionAfter(arena, arena[cellWord(reader.view) + VIEW_MAP_ROOT]!, hi, lo);
  const toTop = distance(hi, lo, -1, -1) + 1; // the copy wraps at 2^64
  if (next === CELL_UNASSIGNED) return Math.min(left, toTop);
  return Math.min(left, -pastStart(arena, next, hi, lo));
}

/** Bytes from the start of the section in `cell` to (hi, lo); negative before it. */
export function pastStart(arena: SharedWords, cell: number, hi: number, lo: number): number {
  const word = cellWord(cell);
  return distance(arena[word + SECTION_START_HI]!, arena[word + SECTION_START_LO]!, hi, lo);
}
