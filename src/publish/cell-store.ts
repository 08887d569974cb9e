/**
 * The cells of all maps in the arena: nodes, sections, view headers. Equal nodes and equal sections are one cell, so
 * maps of successive versions and of different address spaces share what they have in common. Control thread only.
 * Guarantee: a cell is immutable, and stays until nothing refers to it any more: no cell, and no view that was not
 * released. Owners of what sections show are held as long.
 *
 * Two counts a cell, both private: `references` from cells and views that are there at all, `showings` from those
 * that are published. What has references only is retired: readers of older versions may still be on it.
 */
import type { SharedWords } from '../layout/control-block.ts';
import {
  CELL_BYTES,
  CELL_UNASSIGNED,
  CELL_WORDS,
  cellWord,
  entryCell,
  entryIsNode,
  leafEntry,
  NODE_ENTRIES,
  nodeEntry,
} from '../layout/map-entry.ts';
import { VIEW_LAYOUT_TAG, VIEW_MAP_ROOT, VIEW_VERSION } from '../layout/view-header.ts';
import type { Owner } from '../model/owner.ts';
import type { Arena } from './arena.ts';
import { CellTable } from './cell-table.ts';

export const ENTRY_UNASSIGNED = leafEntry(CELL_UNASSIGNED);
const EMPTY_RECORD: readonly number[] = Array.from({ length: CELL_WORDS }, () => 0);
/** The words of a cell, all 0. */
export const emptyRecord = (): number[] => EMPTY_RECORD.slice();

const NEEDS_NODE = 0; // as an entry: no section, no node

export class CellStore {
  readonly words: SharedWords;
  private readonly arena: Arena;
  private readonly references: Int32Array;
  private readonly showings: Int32Array;
  private readonly nodes: CellTable;
  private readonly sections: CellTable;
  /** Of sections whose region has one. */
  private readonly owners = new Map<number, Owner>();
  /** Entries of what was made since the last settle(), each after those that it refers to; and headers. */
  private readonly fresh: number[] = [];
  private readonly freshHeaders: number[] = [];
  private shownCells = 0;

  constructor(arena: Arena) {
    this.arena = arena;
    this.words = arena.words;
    this.references = new Int32Array(arena.cellCount);
    this.showings = new Int32Array(arena.cellCount);
    const next = new Int32Array(arena.cellCount);
    this.nodes = new CellTable(arena.words, next);
    this.sections = new CellTable(arena.words, next);
  }

  /** Bytes of all that published views reach. */
  get shownBytes(): number {
    return this.shownCells * CELL_BYTES;
  }

  /** Bytes of what was made since the last settle(). */
  get madeBytes(): number {
    return (this.fresh.length + this.freshHeaders.length) * CELL_BYTES;
  }

  /**
   * The entry for a node with `entries`; where they need none, the entry that stands for them all.
   * @throws MemoryError ARENA_FULL
   */
  node(level: number, entries: readonly number[]): number {
    const sole = soleEntry(entries);
    if (sole !== NEEDS_NODE) return sole;
    const known = this.nodes.find(entries);
    if (known !== 0) return nodeEntry(known, level);
    const cell = this.take(entries);
    this.nodes.add(cell, entries);
    for (let index = 0; index < NODE_ENTRIES; index += 1) this.references[entryCell(entries[index]!)]! += 1;
    const entry = nodeEntry(cell, level);
    this.fresh.push(entry);
    return entry;
  }

  /**
   * The cell of a section.
   * @param record its words @param owner held while it is there
   * @throws MemoryError ARENA_FULL
   */
  section(record: readonly number[], owner: Owner | null): number {
    const known = this.sections.find(record);
    if (known !== 0) return known;
    const cell = this.take(record);
    this.sections.add(cell, record);
    this.fresh.push(leafEntry(cell));
    if (owner !== null) {
      owner.hold();
      this.owners.set(cell, owner);
    }
    return cell;
  }

  /** The header of a new view of a map. @throws MemoryError ARENA_FULL */
  header(mapRoot: number, version: number, layoutTag: number): number {
    const record = emptyRecord();
    record[VIEW_VERSION] = version;
    record[VIEW_MAP_ROOT] = mapRoot;
    record[VIEW_LAYOUT_TAG] = layoutTag;
    const cell = this.take(record);
    this.references[entryCell(mapRoot)]! += 1;
    this.freshHeaders.push(cell);
    return cell;
  }

  /** What headers were made of stays: it is going to be published. What is between two changes of a map goes. */
  settle(): void {
    this.freshHeaders.length = 0;
    for (let entry = this.fresh.pop(); entry !== undefined; entry = this.fresh.pop())
      if (this.references[entryCell(entry)] === 0) this.unmake(entry);
  }

  /** Takes back all that was made since the last settle(). */
  undo(): void {
    for (const header of this.freshHeaders) {
      this.references[entryCell(this.mapRootOf(header))]! -= 1;
      this.arena.release(header);
    }
    this.settle();
  }

  /** A view is published now. */
  show(header: number): void {
    this.shownCells += 1 + this.count(this.showings, header, 1, 1).length;
  }

  /** It is not any more. @returns the bytes that no published view reaches since */
  hide(header: number): number {
    const hidden = 1 + this.count(this.showings, header, -1, 0).length;
    this.shownCells -= hidden;
    return hidden * CELL_BYTES;
  }

  /** A view that is hidden ends, for no reader can be on it: frees all that nothing else refers to. */
  release(header: number): void {
    const unreferenced = this.count(this.references, header, -1, 0);
    this.arena.release(header);
    for (const entry of unreferenced) this.free(entry);
  }

  /** For a machine that ends: no owner is held any more. */
  letOwnersGo(): void {
    for (const owner of this.owners.values()) owner.letGo();
    this.owners.clear();
  }

  mapRootOf(header: number): number {
    return this.words[cellWord(header) + VIEW_MAP_ROOT]!;
  }

  private take(record: readonly number[]): number {
    const cell = this.arena.allocate();
    const word = cellWord(cell);
    for (let index = 0; index < CELL_WORDS; index += 1) this.words[word + index] = record[index]!;
    return cell;
  }

  /** Frees what nothing refers to, and was never shown; what it refers to is seen to later. */
  private unmake(entry: number): void {
    if (entryIsNode(entry)) {
      const word = cellWord(entryCell(entry));
      for (let index = 0; index < NODE_ENTRIES; index += 1)
        this.references[entryCell(this.words[word + index]!)]! -= 1;
    }
    this.free(entry);
  }

  /** What nothing refers to. */
  private free(entry: number): void {
    const cell = entryCell(entry);
    if (entryIsNode(entry)) this.nodes.remove(cell);
    else {
      this.sections.remove(cell);
      this.owners.get(cell)?.letGo();
      this.owners.delete(cell);
    }
    this.arena.release(cell);
  }

  /**
   * Adds `step` to the count of what a header refers to; where that makes it `turn`, to all that it refers to, too.
   * Returns the entries of those that turned.
   */
  private count(counts: Int32Array, header: number, step: 1 | -1, turn: 0 | 1): number[] {
    const turned: number[] = [];
    this.countEntry(counts, this.mapRootOf(header), step, turn, turned);
    return turned;
  }

  private countEntry(counts: Int32Array, entry: number, step: 1 | -1, turn: 0 | 1, turned: number[]): void {
    const cell = entryCell(entry);
    if (cell === CELL_UNASSIGNED) return;
    counts[cell]! += step;
    if (counts[cell] !== turn) return;
    turned.push(entry);
    if (!entryIsNode(entry)) return;
    const word = cellWord(cell);
    for (let index = 0; index < NODE_ENTRIES; index += 1)
      this.countEntry(counts, this.words[word + index]!, step, turn, turned);
  }
}

/** What stands for all of `entries`: their only child, or the only section in them; 0 if nothing less than a node does. */
function soleEntry(entries: readonly number[]): number {
  let sole = ENTRY_UNASSIGNED;
  for (let index = 0; index < NODE_ENTRIES; index += 1) {
    const entry = entries[index]!;
    if (entry === ENTRY_UNASSIGNED || (entry === sole && !entryIsNode(entry))) continue;
    if (sole !== ENTRY_UNASSIGNED) return NEEDS_NODE;
    sole = entry;
  }
  return sole;
}
