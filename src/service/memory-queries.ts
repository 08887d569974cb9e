/** What answers where, asked by the control thread of what is published now. */
import { functionFromArgument } from '../base/arguments.ts';
import type { AddressSpace } from '../model/address-space.ts';
import { offsetFromArgument, sizeFromArgument } from '../model/arguments.ts';
import { type MemoryRegion, requireRegion } from '../model/memory-region.ts';
import { holdRegions } from '../model/region-hold.ts';
import type { Bytes } from '../model/region-options.ts';
import type { Publisher } from '../publish/publisher.ts';
import { type FlatRange, firstRangeAfter } from '../render/flat-view.ts';
import { HeldView } from '../render/held-view.ts';
import { HeldSection, MemoryRegionSection, overlapOf } from '../render/memory-region-section.ts';

export class MemoryQueries {
  private readonly publisher: Publisher;

  constructor(publisher: Publisher) {
    this.publisher = publisher;
  }

  /**
   * What answers first in `[offset, offset + size)` of `region`, by its place in its containers.
   * @returns the part that shows, with a reference on its region to release; null where nothing answers, or no
   *   address space has the outermost container as its root
   * @throws MemoryError INVALID_ARGUMENT
   * @source QEMU memory_region_find
   */
  find(region: MemoryRegion, offset: Bytes, size: Bytes): HeldSection | null {
    const found = this.firstIn(region, offset, size);
    return found === null ? null : held(found);
  }

  /** The same in an address space. @throws MemoryError ADDRESS_SPACE_UNKNOWN, INVALID_ARGUMENT */
  findAt(space: AddressSpace, address: Bytes, size: Bytes): HeldSection | null {
    this.publisher.indexOf(space); // that it is there
    const where = `address space '${space.name}'`;
    const found = this.firstAt(space, offsetFromArgument(where, address), sizeFromArgument(where, size));
    return found === null ? null : held(found);
  }

  /** Whether something other than `container` itself answers at its byte `offset`. */
  isPresent(container: MemoryRegion, offset: Bytes): boolean {
    const found = this.firstIn(container, offset, 1n);
    return found !== null && found.range.region !== container;
  }

  /**
   * Calls `visit` with each range of `space`, ascending, until it returns true.
   * @returns whether it did. @throws MemoryError ADDRESS_SPACE_UNKNOWN
   * @source QEMU flatview_for_each_range
   */
  forEachRange(space: AddressSpace, visit: (section: MemoryRegionSection) => boolean): boolean {
    const flatView = this.publisher.flatViewOf(space);
    functionFromArgument('forEachRange()', 'visit', visit);
    return flatView.ranges.some((range) =>
      visit(new MemoryRegionSection({ addressSpace: space, flatView }, range)),
    );
  }

  /** What `space` shows now, kept with all its regions until it is released. */
  holdView(space: AddressSpace): HeldView {
    return new HeldView(space, this.publisher.flatViewOf(space));
  }

  private firstIn(region: MemoryRegion, offset: Bytes, size: Bytes): Found | null {
    requireRegion('a query', 'region', region);
    const where = `region '${region.name}'`;
    let address = offsetFromArgument(where, offset);
    const bytes = sizeFromArgument(where, size);
    let top = region;
    for (let around: MemoryRegion | null = region; around !== null; around = around.container) {
      top = around;
      address += around.address;
    }
    for (const space of this.publisher.addressSpaces)
      if (space.root === top) return this.firstAt(space, BigInt.asUintN(64, address), bytes);
    return null;
  }

  private firstAt(space: AddressSpace, address: bigint, size: bigint): Found | null {
    const flatView = this.publisher.flatViewOf(space);
    const range = firstRangeAfter(flatView, address);
    const extent = range === null ? null : overlapOf(range, address, address + size);
    return extent === null ? null : { seen: { addressSpace: space, flatView }, range: range!, extent };
  }
}

interface Found {
  readonly seen: { readonly addressSpace: AddressSpace; readonly flatView: MemoryRegionSection['flatView'] };
  readonly range: FlatRange;
  readonly extent: { readonly start: bigint; readonly size: bigint };
}

/** A reference on the region alone: a search costs nothing per range of the view. */
function held({ seen, range, extent }: Found): HeldSection {
  const hold = holdRegions(`section of region '${range.region.name}'`, [range.region]);
  return new HeldSection(seen, range, extent, hold);
}
