/**
 * Writes a FlatView into the arena: its sections, and what cell-writer.ts adds. Control thread only.
 * Guarantee: nothing that is published is touched; if the arena is full, what was taken is given back.
 */
import { hiFromAddress, loFromAddress } from '../base/addresses.ts';
import { CELL_UNASSIGNED, CELL_WORDS, cellWord } from '../layout/map-entry.ts';
import * as section from '../layout/section-record.ts';
import type { MemoryRegion } from '../model/memory-region.ts';
import type { Owner } from '../model/owner.ts';
import type { FlatRange, FlatView } from '../render/flat-view.ts';
import type { Arena } from './arena.ts';
import { CellWriter, type EncodedView } from './cell-writer.ts';
import type { RamStore } from './ram-store.ts';

export interface ViewResources {
  readonly arena: Arena;
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
  if (region.kind === 'iommu') return flags | section.SECTION_FLAG_IOMMU; // what it leads to says what is readonly
  if (range.readonly) flags |= section.SECTION_FLAG_READONLY;
  if (region.device !== null) flags |= section.SECTION_FLAG_DEVICE;
  if (region.isRam || (region.kind === 'rom-device' && range.romd)) flags |= section.SECTION_FLAG_READ_DIRECT;
  if (region.isRam && !range.readonly) flags |= section.SECTION_FLAG_WRITE_DIRECT;
  if (region.kind === 'ram-device') flags |= section.SECTION_FLAG_EXACT;
  return flags;
}

class ViewWriter extends CellWriter {
  private readonly resources: ViewResources;

  constructor(resources: ViewResources) {
    super(resources.arena);
    this.resources = resources;
  }

  write(view: FlatView, version: number, layoutTag: number): EncodedView {
    for (const range of view.ranges) this.writeRange(range);
    return this.finish(version, layoutTag, ownersOf(view));
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
    const word = this.section(start, size);
    words[word + section.SECTION_FLAGS] = flags;
    const isDevice = (flags & section.SECTION_FLAG_DEVICE) !== 0;
    words[word + section.SECTION_DEVICE] = isDevice ? this.resources.deviceIdOf(range.region) : 0;
    words[word + section.SECTION_RAM_BUFFER] = ramBuffer;
    words[word + section.SECTION_RAM_BYTE] = ramByte; // wraps to int32; readers take it modulo 2^32
    words[word + section.SECTION_REGION_OFFSET_LO] = loFromAddress(offsetInRegion);
    words[word + section.SECTION_REGION_OFFSET_HI] = hiFromAddress(offsetInRegion);
    words[word + section.SECTION_REGION] = range.region.id;
    words[word + section.SECTION_DIRTY_MASK] = range.dirtyLogMask;
    if (range.region.kind === 'iommu') this.writeIommu(word, this.resources.iommuOf(range.region));
  }

  private writeIommu(word: number, { root, rule, translator }: EncodedIommu): void {
    const { words } = this.resources.arena;
    words[word + section.SECTION_IOMMU_ROOT] = root;
    words[word + section.SECTION_IOMMU_RULE] = rule;
    if (translator === null) return;
    words[word + section.SECTION_FLAGS]! |= section.SECTION_FLAG_TRANSLATOR;
    words[word + section.SECTION_DEVICE] = translator;
  }
}
