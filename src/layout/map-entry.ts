/**
 * The arena and the radix map in it. The arena is an array of cells of 64 bytes, a cache line each; a
 * node of the map, a section and a view header take one cell each.
 *
 * A map entry is one int32:
 *
 *   bits   name   meaning
 *   0-4    tag    0: a leaf. 1 + level: a node whose entries span 16^level bytes each, level 0 to 15
 *   5-31   cell   of the section (leaf) or of the node
 *
 * A node has 16 entries, chosen by four address bits; level 0 tells single bytes apart, level 3 pages of
 * 4 KiB, level 8 is the first in the address's upper half. Entries name their level, so a path leaves out
 * nodes with a single used child (skip count = difference of levels). What was left out is not compared
 * on the way down: whoever reaches a leaf must check that its section covers the address.
 */
export const CELL_WORDS = 16;
export const CELL_BYTES = 64;
export const NODE_ENTRIES = 16;
export const LEVEL_BITS = 4;
export const LEVEL_COUNT = 16;
/** Of nodes that tell pages of 4 KiB apart. */
export const PAGE_LEVEL = 3;

/** Fills reclaimed cells in checked mode. Its tag is no level, so a walk that meets it can tell. */
export const POISON = 0x5eadbe7f;

/** Header of the view of nothing, which a root word of 0 names. No section, no node: as an entry it would be the number 0. */
export const CELL_NO_VIEW = 0;
/** The section of all that nothing is mapped at. */
export const CELL_UNASSIGNED = 1;
export const CELL_FIRST_FREE = 2;

const TAG_BITS = 5;
const TAG_MASK = 31;

export const leafEntry = (cell: number): number => cell << TAG_BITS;
export const nodeEntry = (cell: number, level: number): number => (cell << TAG_BITS) | (level + 1);
export const entryIsNode = (entry: number): boolean => (entry & TAG_MASK) !== 0;
export const entryLevel = (entry: number): number => (entry & TAG_MASK) - 1;
export const entryCell = (entry: number): number => entry >>> TAG_BITS;
export const cellWord = (cell: number): number => cell * CELL_WORDS;

/** Cell of the section of lowest address that a node holds; every node holds two at least. */
export function firstSectionUnder(words: Int32Array, node: number): number {
  let entry = node;
  while (entryIsNode(entry)) {
    let word = cellWord(entryCell(entry));
    while (words[word] === leafEntry(CELL_UNASSIGNED)) word += 1;
    entry = words[word]!;
  }
  return entryCell(entry);
}

/** Index into a node of `level` for the address (hi, lo). */
export const indexAt = (hi: number, lo: number, level: number): number =>
  ((level < 8 ? lo : hi) >>> ((level & 7) << 2)) & 15;
