/**
 * What mutators change in a region besides its place in the tree: flags, size, alias offset. Each is a
 * mutation that can be undone, and none where nothing changes.
 */
import type { MemoryRegion } from './memory-region.ts';
import type { RegionFlag } from './region-options.ts';
import { touchedPlace, touchedWhole } from './touched.ts';
import { mutate } from './transaction.ts';

export class RegionState {
  readonly flags: Record<RegionFlag, boolean>;
  size: bigint;
  aliasOffset: bigint;

  constructor(flags: Record<RegionFlag, boolean>, size: bigint, aliasOffset: bigint) {
    this.flags = flags;
    this.size = size;
    this.aliasOffset = aliasOffset;
  }

  /** Shows or hides `region`, whose state this is. */
  setEnabled(region: MemoryRegion, enabled: boolean): void {
    this.change(region, 'enabled', enabled, true);
  }

  /** A flag that nobody sees on a region that is hidden. */
  setFlag(region: MemoryRegion, flag: Exclude<RegionFlag, 'enabled'>, value: boolean): void {
    this.change(region, flag, value, false);
  }

  /** @param committed called after the transaction */
  setSize(region: MemoryRegion, size: bigint, committed?: () => void): void {
    const before = this.size;
    if (size === before) return;
    mutate({
      pending: true,
      regions: [region],
      touched: [touchedWhole(region, size > before ? size : before), ...touchedPlace(region)],
      reshaped: region,
      apply: () => this.resize(region, size),
      undo: () => this.resize(region, before),
      ...(committed !== undefined && { committed }),
    });
  }

  setAliasOffset(region: MemoryRegion, offset: bigint): void {
    const before = this.aliasOffset;
    if (offset === before) return;
    mutate({
      pending: this.flags.enabled,
      regions: [region],
      touched: [touchedWhole(region)],
      reshaped: region,
      apply: () => (this.aliasOffset = offset),
      undo: () => (this.aliasOffset = before),
    });
  }

  private resize(region: MemoryRegion, size: bigint): void {
    this.size = size;
    region.container?.links.children.resized(region);
  }

  private change(region: MemoryRegion, flag: RegionFlag, value: boolean, reshapes: boolean): void {
    const before = this.flags[flag];
    if (value === before) return;
    mutate({
      pending: reshapes || this.flags.enabled,
      regions: [region],
      touched: [touchedWhole(region)],
      ...(reshapes && { reshaped: region }),
      apply: () => (this.flags[flag] = value),
      undo: () => (this.flags[flag] = before),
    });
  }
}
