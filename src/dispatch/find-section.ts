/**
 * From an address to its section: the walk that every TLB miss takes. Plain loads only: the view was
 * published by an atomic store that the caller's root load read from, and it is immutable until the
 * caller's next quiescent state.
 */
import type { SharedWords } from '../layout/control-block.ts';
import {
  CELL_UNASSIGNED,
  cellWord,
  entryCell,
  entryIsNode,
  entryLevel,
  indexAt,
  PAGE_LEVEL,
} from '../layout/map-entry.ts';
import {
  SECTION_LAST_HI,
  SECTION_LAST_LO,
  SECTION_START_HI,
  SECTION_START_LO,
} from '../layout/section-record.ts';

const unassigned = CELL_UNASSIGNED; // local names for the hot loop: V8 does not fold imported bindings
const isNode = entryIsNode;
const cellOf = entryCell;
const levelOf = entryLevel;
const index = indexAt;
const firstWord = cellWord;
const startLoWord = SECTION_START_LO;
const startHiWord = SECTION_START_HI;
const lastLoWord = SECTION_LAST_LO;
const lastHiWord = SECTION_LAST_HI;
const pageLevel = PAGE_LEVEL;

/** True if the section in `cell` covers the address (hi, lo), both as int32. */
export function sectionCovers(words: SharedWords, cell: number, hi: number, lo: number): boolean {
  const word = firstWord(cell);
  const startHi = words[word + startHiWord]!;
  const lastHi = words[word + lastHiWord]!;
  if (startHi === hi) {
    if (words[word + startLoWord]! >>> 0 > lo >>> 0) return false;
  } else if (startHi >>> 0 > hi >>> 0) return false;
  if (lastHi === hi) return words[word + lastLoWord]! >>> 0 >= lo >>> 0;
  return lastHi >>> 0 > hi >>> 0;
}

/**
 * Whether nothing is mapped in a page of 4 KiB, by one walk. False also where a node that parts smaller pieces is met
 * on the way, though they may lie in another page.
 * @param first its first address, lower half @param last its last
 */
export function isHolePage(
  words: SharedWords,
  mapRoot: number,
  hi: number,
  first: number,
  last: number,
): boolean {
  let entry = mapRoot;
  while (isNode(entry)) {
    if (levelOf(entry) < pageLevel) return false;
    entry = words[firstWord(cellOf(entry)) + index(hi, first, levelOf(entry))]!;
  }
  const cell = cellOf(entry);
  if (cell === unassigned) return true;
  const word = firstWord(cell);
  const start = words[word + startLoWord]!;
  const startsInside =
    words[word + startHiWord] === hi && start >>> 0 >= first >>> 0 && start >>> 0 <= last >>> 0;
  return !startsInside && !sectionCovers(words, cell, hi, first);
}

/** Cell of the section that covers (hi, lo); CELL_UNASSIGNED where nothing is mapped. */
export function findSection(words: SharedWords, mapRoot: number, hi: number, lo: number): number {
  let entry = mapRoot;
  while (isNode(entry)) {
    entry = words[firstWord(cellOf(entry)) + index(hi, lo, levelOf(entry))]!;
  }
  const cell = cellOf(entry);
  return sectionCovers(words, cell, hi, lo) ? cell : unassigned;
}
