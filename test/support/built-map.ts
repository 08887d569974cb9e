/** Radix maps of plain ranges, made as publications make them: sections in an arena, and the map over them. */
import { hiFromAddress, loFromAddress } from '../../src/base/addresses.ts';
import { findSection } from '../../src/dispatch/find-section.ts';
import type { SharedWords } from '../../src/layout/control-block.ts';
import { CELL_BYTES, CELL_UNASSIGNED } from '../../src/layout/map-entry.ts';
import { Arena } from '../../src/publish/arena.ts';
import { CellStore, ENTRY_UNASSIGNED } from '../../src/publish/cell-store.ts';
import { encodeReservedCells, sectionRecord } from '../../src/publish/encode-view.ts';
import { MapEditor } from '../../src/publish/map-editor.ts';
import type { AddressRange } from './disjoint-ranges.ts';

/** An arena in which maps are made; equal ranges have one section in all of them. */
export class MapMaker {
  readonly arena: Arena;
  readonly store: CellStore;
  readonly words: SharedWords;
  private readonly editor: MapEditor;

  constructor(cells = 4096) {
    this.arena = new Arena(cells * CELL_BYTES, true);
    encodeReservedCells(this.arena);
    this.store = new CellStore(this.arena);
    this.words = this.arena.words;
    this.editor = new MapEditor(this.store);
  }

  sectionOf({ start, last }: AddressRange): number {
    return this.store.section(sectionRecord(start, last - start + 1n), null);
  }

  /** Root of the map of `ranges`. */
  build(ranges: readonly AddressRange[]): number {
    return this.replace(ENTRY_UNASSIGNED, { start: 0n, last: 2n ** 64n - 1n }, ranges);
  }

  /** The map with `ranges` instead of what it has in `window`. */
  replace(mapRoot: number, { start, last }: AddressRange, ranges: readonly AddressRange[]): number {
    return this.editor.replace(
      ...([mapRoot, start, last + 1n, ranges.map((range) => this.sectionOf(range))] as const),
    );
  }

  cellAt(mapRoot: number, address: bigint): number {
    return findSection(this.words, mapRoot, hiFromAddress(address), loFromAddress(address));
  }

  /** What a linear scan finds. */
  expectedAt(ranges: readonly AddressRange[], address: bigint): number {
    const found = ranges.find(({ start, last }) => start <= address && address <= last);
    return found === undefined ? CELL_UNASSIGNED : this.sectionOf(found);
  }
}
