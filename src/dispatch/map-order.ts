/**
 * The sections of a published map in the order of their addresses. Plain loads only, as in find-section.ts: the
 * caller's view must stay valid as long as they take.
 */
import type { SharedWords } from '../layout/control-block.ts';
import {
  CELL_UNASSIGNED,
  cellWord,
  entryCell,
  entryIsNode,
  entryLevel,
  firstSectionUnder,
  indexAt,
  LEVEL_BITS,
  NODE_ENTRIES,
} from '../layout/map-entry.ts';
import { SECTION_START_HI, SECTION_START_LO } from '../layout/section-record.ts';

/** Calls `visit` with the cell of each section, ascending, until it returns true. Returns whether it did. */
export function eachSection(words: SharedWords, mapRoot: number, visit: (cell: number) => boolean): boolean {
  let visited = CELL_UNASSIGNED; // a section may be behind several entries, one after the other
  const walk = (entry: number): boolean => {
    const cell = entryCell(entry);
    if (entryIsNode(entry)) {
      for (let index = 0; index < NODE_ENTRIES; index += 1)
        if (walk(words[cellWord(cell) + index]!)) return true;
      return false;
    }
    if (cell === CELL_UNASSIGNED || cell === visited) return false;
    visited = cell;
    return visit(cell);
  };
  return walk(mapRoot);
}

/** Cell of the first section after (hi, lo), where nothing is mapped; CELL_UNASSIGNED if there is none. */
export function sectionAfter(words: SharedWords, mapRoot: number, hi: number, lo: number): number {
  /** @param startHi @param startLo where the addresses begin that `entry` stands for */
  const search = (entry: number, startHi: number, startLo: number): number => {
    const first = entryIsNode(entry) ? firstSectionUnder(words, entry) : entryCell(entry);
    if (first === CELL_UNASSIGNED) return first;
    const word = cellWord(first);
    const firstHi = words[word + SECTION_START_HI]!;
    const firstLo = words[word + SECTION_START_LO]!;
    if (isBelow(hi, lo, firstHi, firstLo)) return first;
    if (!entryIsNode(entry)) return CELL_UNASSIGNED;
    // The node holds the part of its first section that is past the start of what the entry stands for.
    const isCut = isBelow(firstHi, firstLo, startHi, startLo);
    const level = entryLevel(entry);
    const nodeHi = firstOfNode(isCut ? startHi : firstHi, level - 8);
    const nodeLo = level >= 7 ? 0 : firstOfNode(isCut ? startLo : firstLo, level);
    if (nodeHi !== firstOfNode(hi, level - 8) || (level < 7 && nodeLo !== firstOfNode(lo, level)))
      return CELL_UNASSIGNED;
    for (let index = indexAt(hi, lo, level); index < NODE_ENTRIES; index += 1) {
      const offset = index << ((level & 7) * LEVEL_BITS);
      const child = words[cellWord(entryCell(entry)) + index]!;
      const found = search(child, level < 8 ? nodeHi : nodeHi | offset, level < 8 ? nodeLo | offset : nodeLo);
      if (found !== CELL_UNASSIGNED) return found;
    }
    return CELL_UNASSIGNED;
  };
  return search(mapRoot, 0, 0);
}

const isBelow = (hi: number, lo: number, otherHi: number, otherLo: number): boolean =>
  hi === otherHi ? lo >>> 0 < otherLo >>> 0 : hi >>> 0 < otherHi >>> 0;

/** `half` without the bits that a node of `level` and those below it decide; 0 where that is all of them. */
const firstOfNode = (half: number, level: number): number => {
  const bits = (level + 1) * LEVEL_BITS;
  if (bits <= 0) return half;
  return bits >= 32 ? 0 : half & ~((1 << bits) - 1);
};
