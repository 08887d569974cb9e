/**
 * A flat view: which region answers at each address, as sorted, disjoint ranges. Immutable.
 * Guarantee of whoever builds one: neighbours that continue each other are one range, unless they are
 * unmergeable; none is empty.
 */
import type { MemoryRegion } from '../model/memory-region.ts';
import { RangeList } from './range-list.ts';

export interface FlatRange {
  readonly region: MemoryRegion;
  readonly start: bigint;
  /** In bytes, at least 1; `start + size` may be 2^64. */
  readonly size: bigint;
  readonly offsetInRegion: bigint;
  /** True if anything on the way from the root to the region is readonly. */
  readonly readonly: boolean;
  readonly nonvolatile: boolean;
  /** True if anything on the way is; the range is then not joined with its neighbours. */
  readonly unmergeable: boolean;
  /** A ROM device whose reads go straight to its bytes. */
  readonly romd: boolean;
  /** Bits `1 << DIRTY_CLIENT_*`: who wants to know of writes. Not part of what answers. */
  readonly dirtyLogMask: number;
}

export class FlatView {
  /** Where the rendering began; null where nothing is rendered. */
  readonly root: MemoryRegion | null;
  readonly list: RangeList;

  constructor(root: MemoryRegion | null, list: RangeList) {
    this.root = root;
    this.list = list;
  }

  /** As one array: for those who look at all of them. */
  get ranges(): readonly FlatRange[] {
    return this.list.all;
  }
}

export interface AddressWindow {
  readonly start: bigint;
  /** Inclusive, so that the end of the address space fits in 64 bits. */
  readonly last: bigint;
}

/** Shared by every address space without a view root. */
export const EMPTY_FLAT_VIEW = new FlatView(null, RangeList.EMPTY);

export type RangeType = 'ram' | 'rom' | 'romd' | 'ramd' | 'i/o';

/** What QEMU's monitor calls the range: rom wherever the range is readonly, `nv-` first where nonvolatile. */
export function rangeType(range: FlatRange): RangeType | `nv-${RangeType}` {
  const type = plainRangeType(range);
  return range.nonvolatile ? `nv-${type}` : type;
}

function plainRangeType(range: FlatRange): RangeType {
  if (range.readonly) return 'rom';
  if (range.romd) return 'romd';
  if (range.region.kind === 'ram-device') return 'ramd';
  return range.region.kind === 'ram' ? 'ram' : 'i/o';
}

/** The range that answers at `address`, or null in a hole. */
export function rangeAt(view: FlatView, address: bigint): FlatRange | null {
  const range = firstRangeAfter(view, address);
  return range !== null && range.start <= address ? range : null;
}

/** The first range that reaches past `address`: the one that answers there, else the next one above. */
export const firstRangeAfter = (view: FlatView, address: bigint): FlatRange | null =>
  view.list.firstAfter(address);

/** Whether both give the same byte of the same region with the same attributes where they overlap. */
export function rangesAgree(a: FlatRange, b: FlatRange): boolean {
  return (
    a.region === b.region &&
    a.readonly === b.readonly &&
    a.nonvolatile === b.nonvolatile &&
    a.unmergeable === b.unmergeable &&
    a.romd === b.romd &&
    a.offsetInRegion - a.start === b.offsetInRegion - b.start
  );
}
