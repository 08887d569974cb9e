/**
 * The sections of a view as copies, for whoever wants to look at a layout from a reader's thread. A copy is
 * numbers: it is safe to keep, and holds nothing.
 * @source QEMU flatview_for_each_range, memory_region_section_new_copy
 */
import { addressFromHalves } from '../base/addresses.ts';
import { eachSection } from '../dispatch/map-order.ts';
import type { SharedWords } from '../layout/control-block.ts';
import { CELL_UNASSIGNED, cellWord } from '../layout/map-entry.ts';
import * as section from '../layout/section-record.ts';
import { VIEW_MAP_ROOT } from '../layout/view-header.ts';

/** A MemoryRegionSection: a stretch of addresses behind which one region answers in one way. */
export interface SectionCopy {
  readonly start: bigint;
  readonly size: bigint;
  /** MemoryRegion.id of the region. */
  readonly regionId: number;
  readonly offsetWithinRegion: bigint;
  readonly isReadonly: boolean;
  /** Reads come from bytes, as opposed to callbacks. */
  readonly readsDirectly: boolean;
  /** Writes go to bytes. */
  readonly writesDirectly: boolean;
  /** Callbacks answer for what bytes do not. */
  readonly hasDevice: boolean;
}

/** The section in `cell`; null where nothing is mapped. */
export function sectionFrom(arena: SharedWords, cell: number): SectionCopy | null {
  if (cell === CELL_UNASSIGNED) return null;
  const word = cellWord(cell);
  const at = (offset: number): number => arena[word + offset]!;
  const flags = at(section.SECTION_FLAGS);
  const start = addressFromHalves(at(section.SECTION_START_HI), at(section.SECTION_START_LO));
  const last = addressFromHalves(at(section.SECTION_LAST_HI), at(section.SECTION_LAST_LO));
  return {
    start,
    size: last - start + 1n,
    regionId: at(section.SECTION_REGION),
    offsetWithinRegion: addressFromHalves(
      at(section.SECTION_REGION_OFFSET_HI),
      at(section.SECTION_REGION_OFFSET_LO),
    ),
    isReadonly: (flags & section.SECTION_FLAG_READONLY) !== 0,
    readsDirectly: (flags & section.SECTION_FLAG_READ_DIRECT) !== 0,
    writesDirectly: (flags & section.SECTION_FLAG_WRITE_DIRECT) !== 0,
    hasDevice: (flags & section.SECTION_FLAG_DEVICE) !== 0,
  };
}

/**
 * Calls `visit` with each section of the view, by ascending address, until it returns true. The view must be
 * held, for what `visit` does may pass a checkpoint. Returns whether it was stopped.
 */
export function forEachSection(
  arena: SharedWords,
  view: number,
  // biome-ignore lint/suspicious/noConfusingVoidType: a function that returns nothing has this type
  visit: (section: SectionCopy) => boolean | void,
): boolean {
  const mapRoot = arena[cellWord(view) + VIEW_MAP_ROOT]!;
  return eachSection(arena, mapRoot, (cell) => visit(sectionFrom(arena, cell)!) === true);
}
