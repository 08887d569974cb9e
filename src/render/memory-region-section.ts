/**
 * A part of one region where it is visible in one address space: what listeners and queries are given.
 * Immutable. Guarantee: it lies in one range of `flatView`, which is the new view in what appears, and the
 * old one in what vanishes.
 */
import type { AddressSpace } from '../model/address-space.ts';
import type { MemoryRegion } from '../model/memory-region.ts';
import type { Hold } from '../model/region-hold.ts';
import type { FlatRange, FlatView } from './flat-view.ts';
import { holdFlatView } from './held-view.ts';

/** Where a view is seen. */
export interface SeenView {
  readonly addressSpace: AddressSpace;
  readonly flatView: FlatView;
}

/** Part of an address space, in bytes. */
interface Extent {
  readonly start: bigint;
  readonly size: bigint;
}

export class MemoryRegionSection {
  readonly addressSpace: AddressSpace;
  readonly flatView: FlatView;
  readonly region: MemoryRegion;
  readonly offsetWithinRegion: bigint;
  readonly offsetWithinAddressSpace: bigint;
  /** In bytes, at least 1. */
  readonly size: bigint;
  readonly readonly: boolean;
  readonly nonvolatile: boolean;
  readonly unmergeable: boolean;
  private readonly range: FlatRange;

  /** @param extent part of `range`; by default all of it */
  constructor(seen: SeenView, range: FlatRange, extent: Extent = range) {
    this.addressSpace = seen.addressSpace;
    this.flatView = seen.flatView;
    this.region = range.region;
    this.offsetWithinRegion = range.offsetInRegion + (extent.start - range.start);
    this.offsetWithinAddressSpace = extent.start;
    this.size = extent.size;
    this.readonly = range.readonly;
    this.nonvolatile = range.nonvolatile;
    this.unmergeable = range.unmergeable;
    this.range = range;
  }

  /** A copy to keep: it holds its view, with all regions in it, until it is released. */
  ref(): HeldSection {
    const what = `section of region '${this.region.name}'`;
    return new HeldSection(this, this.range, this.extent, holdFlatView(what, this.flatView));
  }

  private get extent(): Extent {
    return { start: this.offsetWithinAddressSpace, size: this.size };
  }
}

/** A section that holds what it names. */
export class HeldSection extends MemoryRegionSection {
  private readonly hold: Hold;

  constructor(seen: SeenView, range: FlatRange, extent: Extent, hold: Hold) {
    super(seen, range, extent);
    this.hold = hold;
  }

  /** Gives the reference back. @throws MemoryError NOT_HELD the second time */
  release(): void {
    this.hold.release();
  }
}

/** The part of `range` in `[start, end)`, or null where they do not meet. */
export function overlapOf(range: FlatRange, start: bigint, end: bigint): Extent | null {
  const rangeEnd = range.start + range.size;
  const from = start > range.start ? start : range.start;
  const to = end < rangeEnd ? end : rangeEnd;
  return from < to ? { start: from, size: to - from } : null;
}
