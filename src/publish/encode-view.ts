/**
 * Writes the ranges of a flat view into the arena, as sections. Control thread only.
 * Guarantee: equal ranges give the same cells.
 */
import { hiFromAddress, loFromAddress } from '../base/addresses.ts';
import { CELL_NO_VIEW, CELL_UNASSIGNED, cellWord, leafEntry } from '../layout/map-entry.ts';
import * as section from '../layout/section-record.ts';
import { VIEW_MAP_ROOT } from '../layout/view-header.ts';
import type { MemoryRegion } from '../model/memory-region.ts';
import type { FlatRange } from '../render/flat-view.ts';
import type { Arena } from './arena.ts';
import { type CellStore, emptyRecord } from './cell-store.ts';
import type { RamStore } from './ram-store.ts';

export interface ViewResources {
  readonly ram: RamStore;
  /** Device id of a region with callbacks; given out once and posted to the readers. */
  deviceIdOf(region: MemoryRegion): number;
  /** By what readers know the IOMMU of a region; given out once. */
  iommuOf(region: MemoryRegion): EncodedIommu;
}

/** What the section of an IOMMU says of it. */
export interface EncodedIommu {
  /** Of the table for index 0; those of the other indexes follow. */
  readonly root: number;
  /** iommuRule() */
  readonly rule: number;
  /** Null if it is driven by its tables. */
  readonly translator: number | null;
}

/** Writes the cells that are always there (map-entry.ts). Once per arena. */
export function encodeReservedCells(arena: Arena): void {
  arena.words[cellWord(CELL_NO_VIEW) + VIEW_MAP_ROOT] = leafEntry(CELL_UNASSIGNED);
  const word = cellWord(CELL_UNASSIGNED);
  arena.words[word + section.SECTION_LAST_LO] = -1;
  arena.words[word + section.SECTION_LAST_HI] = -1;
}

/** The words of a section over `[start, start + size)` that leads to nothing yet. */
export function sectionRecord(start: bigint, size: bigint): number[] {
  const record = emptyRecord();
  const last = start + size - 1n;
  record[section.SECTION_START_LO] = loFromAddress(start);
  record[section.SECTION_START_HI] = hiFromAddress(start);
  record[section.SECTION_LAST_LO] = loFromAddress(last);
  record[section.SECTION_LAST_HI] = hiFromAddress(last);
  return record;
}

function flagsOf(range: FlatRange): number {
  const { region } = range;
  let flags = section.SECTION_FLAG_ASSIGNED;
  if (region.kind === 'iommu') return flags | section.SECTION_FLAG_IOMMU; // what it leads to says what is readonly
  if (range.readonly) flags |= section.SECTION_FLAG_READONLY;
  if (region.device !== null) flags |= section.SECTION_FLAG_DEVICE;
  if (region.isRam || (region.kind === 'rom-device' && range.romd)) flags |= section.SECTION_FLAG_READ_DIRECT;
  if (region.isRam && !range.readonly) flags |= section.SECTION_FLAG_WRITE_DIRECT;
  if (region.kind === 'ram-device') flags |= section.SECTION_FLAG_EXACT;
  return flags;
}

/** Where the first byte of a section lies. */
interface Place {
  readonly start: bigint;
  readonly size: bigint;
  readonly offsetInRegion: bigint;
  readonly ramBuffer: number;
  readonly ramByte: number;
}

export class SectionEncoder {
  private readonly cells: CellStore;
  private readonly resources: ViewResources;

  constructor(cells: CellStore, resources: ViewResources) {
    this.cells = cells;
    this.resources = resources;
  }

  /**
   * Appends the cells of a range's sections to `cells`, ascending: one, or for RAM that lies in several blocks one each.
   * @throws MemoryError ARENA_FULL, RAM_EXHAUSTED, ADDRESS_SPACES_EXHAUSTED; what was made is to be undone in the store
   */
  encode(range: FlatRange, cells: number[]): void {
    const flags = flagsOf(range);
    if ((flags & section.SECTION_FLAG_READ_DIRECT) === 0 && range.region.kind !== 'rom-device') {
      const { start, size, offsetInRegion } = range;
      cells.push(this.section(range, flags, { start, size, offsetInRegion, ramBuffer: 0, ramByte: 0 }));
      return;
    }
    const end = range.offsetInRegion + range.size;
    for (const block of this.resources.ram.blocksOf(range.region)) {
      const blockEnd = block.offsetInRegion + BigInt(block.sizeBytes);
      const from = block.offsetInRegion > range.offsetInRegion ? block.offsetInRegion : range.offsetInRegion;
      const to = blockEnd < end ? blockEnd : end;
      if (from >= to) continue;
      const start = range.start + (from - range.offsetInRegion);
      const ramByte = block.byte + Number(from - block.offsetInRegion);
      const place = { start, size: to - from, offsetInRegion: from, ramBuffer: block.buffer, ramByte };
      cells.push(this.section(range, flags, place));
    }
  }

  private section({ region, dirtyLogMask }: FlatRange, flags: number, place: Place): number {
    const { resources } = this;
    const record = sectionRecord(place.start, place.size);
    record[section.SECTION_FLAGS] = flags;
    if ((flags & section.SECTION_FLAG_DEVICE) !== 0)
      record[section.SECTION_DEVICE] = resources.deviceIdOf(region);
    record[section.SECTION_RAM_BUFFER] = place.ramBuffer;
    record[section.SECTION_RAM_BYTE] = place.ramByte | 0; // readers take it modulo 2^32
    record[section.SECTION_REGION_OFFSET_LO] = loFromAddress(place.offsetInRegion);
    record[section.SECTION_REGION_OFFSET_HI] = hiFromAddress(place.offsetInRegion);
    record[section.SECTION_REGION] = region.id;
    record[section.SECTION_DIRTY_MASK] = dirtyLogMask;
    if (region.kind === 'iommu') writeIommu(record, resources.iommuOf(region));
    return this.cells.section(record, region.keeper);
  }
}

function writeIommu(record: number[], { root, rule, translator }: EncodedIommu): void {
  record[section.SECTION_IOMMU_ROOT] = root;
  record[section.SECTION_IOMMU_RULE] = rule;
  if (translator === null) return;
  record[section.SECTION_FLAGS]! |= section.SECTION_FLAG_TRANSLATOR;
  record[section.SECTION_DEVICE] = translator;
}
