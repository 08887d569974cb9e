/**
 * Writes a FlatView into the arena: sections, radix map, sorted section list, header. Control thread only.
 * Guarantee: nothing that is published is touched; if the arena is full, what was taken is given back.
 */
import { hiFromAddress, loFromAddress } from '../base/addresses.ts';
import { CELL_BYTES, CELL_UNASSIGNED, CELL_WORDS, cellWord, leafEntry } from '../layout/map-entry.ts';
import * as section from '../layout/section-record.ts';
import * as header from '../layout/view-header.ts';
import type { MemoryRegion } from '../model/memory-region.ts';
import type { Owner } from '../model/owner.ts';
import type { FlatRange, FlatView } from '../render/flat-view.ts';
import type { Arena, CellRun } from './arena.ts';
import { MapBuilder } from './map-builder.ts';
import type { RamStore } from './ram-store.ts';

/** A view in the arena; immutable from its publication to its release. */
export interface EncodedView {
  /** What a root word holds. */
  readonly headerCell: number;
  readonly runs: readonly CellRun[];
  readonly sizeBytes: number;
  /** Owners of what it shows: held from its making to its release. */
  readonly owners: readonly Owner[];
}

export interface ViewResources {
  readonly arena: Arena;
  readonly ram: RamStore;
  /** Device id of a region with callbacks; given out once and posted to the readers. */
  deviceIdOf(region: MemoryRegion): number;
}

const builder = new MapBuilder();

/** Writes the unassigned section, which covers everything that no view maps. Once per arena. */
export function encodeUnassignedSection(arena: Arena): void {
  const word = cellWord(CELL_UNASSIGNED);
  arena.words.fill(0, word, word + CELL_WORDS);
  arena.words[word + section.SECTION_LAST_LO] = -1;
  arena.words[word + section.SECTION_LAST_HI] = -1;
}

/**
 * @param version VIEW_VERSION of the new view
 * @param layoutTag VIEW_LAYOUT_TAG of the new view
 * @throws MemoryError ARENA_FULL, RAM_EXHAUSTED; nothing is left behind
 */
export function encodeView(
  view: FlatView,
  resources: ViewResources,
  version: number,
  layoutTag: number,
): EncodedView {
  const writer = new ViewWriter(resources);
  try {
    const encoded = writer.write(view, version, layoutTag);
    for (const owner of encoded.owners) owner.hold();
    return encoded;
  } catch (error) {
    writer.giveBack();
    throw error;
  }
}

/** Gives the view's cells back. Call it after a grace period, or if the view was never published. */
export function releaseView(view: EncodedView, arena: Arena): void {
  for (const run of view.runs) arena.release(run.cell, run.count);
  letOwnersGo(view);
}

/** For a view that no reader will ask for again, though its cells stay. */
export function letOwnersGo(view: EncodedView): void {
  for (const owner of view.owners) owner.letGo();
}

/** Each once, however many ranges are its. */
function ownersOf({ root, ranges }: FlatView): Owner[] {
  const owners = new Set<Owner>();
  if (root?.keeper) owners.add(root.keeper);
  for (const { region } of ranges) if (region.keeper !== null) owners.add(region.keeper);
  return [...owners];
}

function flagsOf(range: FlatRange): number {
  const { region } = range;
  let flags = section.SECTION_FLAG_ASSIGNED;
  if (range.readonly) flags |= section.SECTION_FLAG_READONLY;
  if (region.device !== null) flags |= section.SECTION_FLAG_DEVICE;
  if (region.isRam || (region.kind === 'rom-device' && range.romd)) flags |= section.SECTION_FLAG_READ_DIRECT;
  if (region.isRam && !range.readonly) flags |= section.SECTION_FLAG_WRITE_DIRECT;
  if (region.kind === 'ram-device') flags |= section.SECTION_FLAG_EXACT;
  return flags;
}

class ViewWriter {
  private readonly resources: ViewResources;
  private readonly runs: CellRun[] = [];
  private readonly sectionCells: number[] = [];
  private sizeBytes = 0;

  constructor(resources: ViewResources) {
    this.resources = resources;
  }

  write(view: FlatView, version: number, layoutTag: number): EncodedView {
    const { arena } = this.resources;
    const { words } = arena;
    builder.clear();
    for (const range of view.ranges) this.writeRange(range);
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
    return { headerCell, runs: this.runs, sizeBytes: this.sizeBytes, owners: ownersOf(view) };
  }

  giveBack(): void {
    for (const run of this.runs) this.resources.arena.release(run.cell, run.count);
  }

  private take(count: number): number {
    const before = this.resources.arena.usedBytes;
    const cell = this.resources.arena.allocate(count);
    this.runs.push({ cell, count });
    this.sizeBytes += this.resources.arena.usedBytes - before;
    return cell;
  }

  /** One section a range; RAM that lies in several blocks gets one each. */
  private writeRange(range: FlatRange): void {
    const flags = flagsOf(range);
    if ((flags & section.SECTION_FLAG_READ_DIRECT) === 0 && range.region.kind !== 'rom-device') {
      this.writeSection(range, flags, range.start, range.size, range.offsetInRegion, 0, 0);
      return;
    }
    const end = range.offsetInRegion + range.size;
    for (const block of this.resources.ram.blocksOf(range.region)) {
      const blockEnd = block.offsetInRegion + BigInt(block.sizeBytes);
      const from = block.offsetInRegion > range.offsetInRegion ? block.offsetInRegion : range.offsetInRegion;
      const to = blockEnd < end ? blockEnd : end;
      if (from >= to) continue;
      const start = range.start + (from - range.offsetInRegion);
      const byte = block.byte + Number(from - block.offsetInRegion);
      this.writeSection(range, flags, start, to - from, from, block.buffer, byte);
    }
  }

  private writeSection(
    range: FlatRange,
    flags: number,
    start: bigint,
    size: bigint,
    offsetInRegion: bigint,
    ramBuffer: number,
    ramByte: number,
  ): void {
    const { words } = this.resources.arena;
    const cell = this.take(1);
    const word = cellWord(cell);
    const last = start + size - 1n;
    const startHi = hiFromAddress(start);
    const startLo = loFromAddress(start);
    const lastHi = hiFromAddress(last);
    const lastLo = loFromAddress(last);
    words.fill(0, word, word + CELL_WORDS);
    words[word + section.SECTION_FLAGS] = flags;
    const isDevice = (flags & section.SECTION_FLAG_DEVICE) !== 0;
    words[word + section.SECTION_DEVICE] = isDevice ? this.resources.deviceIdOf(range.region) : 0;
    words[word + section.SECTION_RAM_BUFFER] = ramBuffer;
    words[word + section.SECTION_RAM_BYTE] = ramByte; // wraps to int32; readers take it modulo 2^32
    words[word + section.SECTION_START_LO] = startLo;
    words[word + section.SECTION_START_HI] = startHi;
    words[word + section.SECTION_LAST_LO] = lastLo;
    words[word + section.SECTION_LAST_HI] = lastHi;
    words[word + section.SECTION_REGION_OFFSET_LO] = loFromAddress(offsetInRegion);
    words[word + section.SECTION_REGION_OFFSET_HI] = hiFromAddress(offsetInRegion);
    words[word + section.SECTION_REGION] = range.region.id;
    words[word + section.SECTION_DIRTY_MASK] = range.dirtyLogMask;
    this.sectionCells.push(cell);
    builder.setRange(startHi, startLo, lastHi, lastLo, cell);
  }

  private writeList(): number {
    const cells = this.sectionCells;
    const cell = this.take(Math.ceil((cells.length * 4) / CELL_BYTES));
    this.resources.arena.words.set(cells, cellWord(cell));
    return cell;
  }
}
