/**
 * Writes a view into the arena, whatever its sections say: FlatViews, and the tables of IOMMUs. Control thread
 * only. Guarantee: it touches only cells that it took, and giveBack() gives all of them back.
 */
import { hiFromAddress, loFromAddress } from '../base/addresses.ts';
import { CELL_BYTES, CELL_UNASSIGNED, CELL_WORDS, cellWord, leafEntry } from '../layout/map-entry.ts';
import * as section from '../layout/section-record.ts';
import * as header from '../layout/view-header.ts';
import type { Owner } from '../model/owner.ts';
import type { Arena, CellRun } from './arena.ts';
import { MapBuilder } from './map-builder.ts';

/** A view in the arena; immutable from its publication to its release. */
export interface EncodedView {
  /** What a root word holds. */
  readonly headerCell: number;
  readonly runs: readonly CellRun[];
  readonly sizeBytes: number;
  /** Owners of what it shows: held from its making to its release. */
  readonly owners: readonly Owner[];
}

const builder = new MapBuilder();

/** Gives the view's cells back. Call it after a grace period, or if the view was never published. */
export function releaseView(view: EncodedView, arena: Arena): void {
  for (const run of view.runs) arena.release(run.cell, run.count);
  letOwnersGo(view);
}

/** For a view that no reader will ask for again, though its cells stay. */
export function letOwnersGo(view: EncodedView): void {
  for (const owner of view.owners) owner.letGo();
}

/** One view; a second one begins when the first is finished. */
export class CellWriter {
  private readonly arena: Arena;
  private readonly runs: CellRun[] = [];
  private readonly sectionCells: number[] = [];
  private sizeBytes = 0;

  constructor(arena: Arena) {
    this.arena = arena;
    builder.clear();
  }

  /** A new section over `[start, start + size)`, past those before. Returns its first word; the rest is 0. */
  section(start: bigint, size: bigint): number {
    const { words } = this.arena;
    const cell = this.take(1);
    const word = cellWord(cell);
    const last = start + size - 1n;
    const startHi = hiFromAddress(start);
    const startLo = loFromAddress(start);
    const lastHi = hiFromAddress(last);
    const lastLo = loFromAddress(last);
    words.fill(0, word, word + CELL_WORDS);
    words[word + section.SECTION_START_LO] = startLo;
    words[word + section.SECTION_START_HI] = startHi;
    words[word + section.SECTION_LAST_LO] = lastLo;
    words[word + section.SECTION_LAST_HI] = lastHi;
    this.sectionCells.push(cell);
    builder.setRange(startHi, startLo, lastHi, lastLo, cell);
    return word;
  }

  /** Radix map, sorted section list and header. */
  finish(version: number, layoutTag: number, owners: readonly Owner[]): EncodedView {
    const { words } = this.arena;
    const mapRoot = builder.write(words, () => this.take(1));
    const listCell = this.sectionCells.length === 0 ? CELL_UNASSIGNED : this.writeList();
    const headerCell = this.take(1);
    const word = cellWord(headerCell);
    words.fill(0, word, word + CELL_WORDS);
    words[word + header.VIEW_VERSION] = version;
    words[word + header.VIEW_MAP_ROOT] =
      this.sectionCells.length === 0 ? leafEntry(CELL_UNASSIGNED) : mapRoot;
    words[word + header.VIEW_SECTION_COUNT] = this.sectionCells.length;
    words[word + header.VIEW_SECTIONS] = listCell;
    words[word + header.VIEW_LAYOUT_TAG] = layoutTag;
    return { headerCell, runs: this.runs, sizeBytes: this.sizeBytes, owners };
  }

  giveBack(): void {
    for (const run of this.runs) this.arena.release(run.cell, run.count);
  }

  private take(count: number): number {
    const before = this.arena.usedBytes;
    const cell = this.arena.allocate(count);
    this.runs.push({ cell, count });
    this.sizeBytes += this.arena.usedBytes - before;
    return cell;
  }

  private writeList(): number {
    const cells = this.sectionCells;
    const cell = this.take(Math.ceil((cells.length * 4) / CELL_BYTES));
    this.arena.words.set(cells, cellWord(cell));
    return cell;
  }
}
