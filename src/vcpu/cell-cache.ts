/**
 * For pages that several sections share: which cell answers at an address, by the exact address. Direct-mapped.
 * Plain numbers of one thread, true for one view and for the attributes of one access.
 *
 *   word  meaning
 *   0     address, lower half. Of an empty entry, one that belongs into another entry
 *   1     address, upper half
 *   2     cell of its section, or CELL_UNASSIGNED: holes are remembered too. The complement of the cell where
 *         aligned reads and writes all go to the section's device
 *   3     the address's offset within the region, where word 2 is a complement
 */
import { CELL_WORDS } from '../layout/map-entry.ts';

const cellWords = CELL_WORDS; // a local name: V8 does not fold imported bindings

const ENTRY_COUNT = 256;
const ENTRY_SHIFT = 2;
const WORD_MASK = (ENTRY_COUNT - 1) << ENTRY_SHIFT;

/** First word of the entry for (hi, lo). No two ports that a PC's devices have by custom meet in it. */
const entryOf = (hi: number, lo: number): number => ((lo ^ (lo >>> 8) ^ hi) << ENTRY_SHIFT) & WORD_MASK;

const empty = new Int32Array(ENTRY_COUNT << ENTRY_SHIFT);
for (let entry = 0; entry < ENTRY_COUNT; entry += 1) empty[entry << ENTRY_SHIFT] = entry ^ 1;

/** Of cellAt() where the address is not remembered; no section has this cell. */
export const CELL_UNKNOWN = 0;

export class CellCache {
  private readonly words = empty.slice();
  private isEmpty = true;

  /** Cell that was put for the address (hi, lo) since the last drop(), or CELL_UNKNOWN. */
  cellAt(hi: number, lo: number): number {
    const { words } = this;
    const entry = entryOf(hi, lo);
    if (words[entry] !== lo || words[entry + 1] !== hi) return CELL_UNKNOWN;
    const cell = words[entry + 2]!;
    return cell < 0 ? ~cell : cell;
  }

  /** For sectionWord() and offset(): the entry of a device that takes `size` bytes at (hi, lo) whole; negative: none. */
  deviceEntry(hi: number, lo: number, size: number): number {
    const { words } = this;
    const entry = entryOf(hi, lo);
    if (words[entry] !== lo || words[entry + 1] !== hi || (lo & (size - 1)) !== 0) return -1;
    return words[entry + 2]! < 0 ? entry : -1;
  }

  /** First word in the arena of the device's section. */
  sectionWord(entry: number): number {
    return ~this.words[entry + 2]! * cellWords;
  }

  /** Of the address, within the device's region. */
  offset(entry: number): number {
    return this.words[entry + 3]!;
  }

  put(hi: number, lo: number, cell: number): void {
    const { words } = this;
    const entry = entryOf(hi, lo);
    words[entry] = lo;
    words[entry + 1] = hi;
    words[entry + 2] = cell;
    this.isEmpty = false;
  }

  /** @param offset within the region, below 2^31 */
  putDevice(hi: number, lo: number, cell: number, offset: number): void {
    this.put(hi, lo, ~cell);
    this.words[entryOf(hi, lo) + 3] = offset;
  }

  drop(): void {
    if (this.isEmpty) return;
    this.words.set(empty);
    this.isEmpty = true;
  }
}
