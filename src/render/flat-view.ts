/**
 * A flat view: which region answers at each address, as sorted, disjoint ranges. Immutable.
 * Guarantee of whoever builds one: neighbours that continue each other are one range, unless they are
 * unmergeable; none is empty.
 */
import type { MemoryRegion } from '../model/memory-region.ts';

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

export interface FlatView {
  /** Where the rendering began; null where nothing is rendered. */
  readonly root: MemoryRegion | null;
  readonly ranges: readonly FlatRange[];
}

export interface AddressWindow {
  readonly start: bigint;
  /** Inclusive, so that the end of the address space fits in 64 bits. */
  readonly last: bigint;
}

/** Shared by every address space without a view root. */
export const EMPTY_FLAT_VIEW: FlatView = Object.freeze({ root: null, ranges: Object.freeze([]) });

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
export function firstRangeAfter(view: FlatView, address: bigint): FlatRange | null {
  let low = 0;
  let high = view.ranges.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const { start, size } = view.ranges[middle]!;
    if (start + size <= address) low = middle + 1;
    else high = middle;
  }
  return view.ranges[low] ?? null;
}

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

/** Whether both hold the same ranges with the same masks, whatever the roots are. */
export function flatViewsEqual(a: FlatView, b: FlatView): boolean {
  if (a.ranges === b.ranges) return true;
  if (a.ranges.length !== b.ranges.length) return false;
  return a.ranges.every((range, index) => {
    const other = b.ranges[index]!;
    return (
      range === other ||
      (range.start === other.start &&
        range.size === other.size &&
        range.dirtyLogMask === other.dirtyLogMask &&
        rangesAgree(range, other))
    );
  });
}

/** The addresses whose answer differs between two views: merged and ascending. Masks are no answer. */
export const changedRanges = (before: FlatView, after: FlatView): AddressWindow[] =>
  differingWindows(before, after, rangesAgree);

/** The addresses of which a reader must forget what it knows: those, and where another mask is. */
export const staleRanges = (before: FlatView, after: FlatView): AddressWindow[] =>
  differingWindows(before, after, (a, b) => a.dirtyLogMask === b.dirtyLogMask && rangesAgree(a, b));

type Agreement = (a: FlatRange, b: FlatRange) => boolean;

function differingWindows(before: FlatView, after: FlatView, agree: Agreement): AddressWindow[] {
  if (before.ranges === after.ranges) return [];
  const changed: { start: bigint; last: bigint }[] = [];
  const note = (start: bigint, end: bigint): void => {
    const previous = changed.at(-1);
    if (previous !== undefined && previous.last + 1n === start) previous.last = end - 1n;
    else changed.push({ start, last: end - 1n });
  };
  const { head, tail } = equalEnds(before.ranges, after.ranges, agree);
  const middle = (ranges: readonly FlatRange[]): readonly FlatRange[] =>
    ranges.slice(head, ranges.length - tail);
  sweep(middle(before.ranges), middle(after.ranges), agree, note);
  return changed;
}

/** How many ranges are equal at the beginning and at the end: nearly all, where one region has moved. */
function equalEnds(
  before: readonly FlatRange[],
  after: readonly FlatRange[],
  agree: Agreement,
): { head: number; tail: number } {
  const same = (a: FlatRange, b: FlatRange): boolean =>
    a === b || (a.start === b.start && a.size === b.size && agree(a, b));
  const shorter = Math.min(before.length, after.length);
  let head = 0;
  while (head < shorter && same(before[head]!, after[head]!)) head++;
  let tail = 0;
  while (tail < shorter - head && same(before.at(-1 - tail)!, after.at(-1 - tail)!)) tail++;
  return { head, tail };
}

/** Calls `differ` for each stretch that only one list covers, or that both cover differently. */
function sweep(
  before: readonly FlatRange[],
  after: readonly FlatRange[],
  agree: Agreement,
  differ: (start: bigint, end: bigint) => void,
): void {
  let beforeIndex = 0;
  let afterIndex = 0;
  let cursor = 0n;
  while (beforeIndex < before.length || afterIndex < after.length) {
    const a = before[beforeIndex];
    const b = after[afterIndex];
    const start = maximum(cursor, minimum(a?.start, b?.start));
    const inA = a !== undefined && a.start <= start;
    const inB = b !== undefined && b.start <= start;
    const end = minimum(boundary(a, inA), boundary(b, inB));
    if (!(inA && inB && agree(a, b))) differ(start, end);
    cursor = end;
    if (a !== undefined && a.start + a.size <= cursor) beforeIndex++;
    if (b !== undefined && b.start + b.size <= cursor) afterIndex++;
  }
}

/** Where the state of `range` next changes: its end inside it, its start before it. */
const boundary = (range: FlatRange | undefined, inside: boolean): bigint | undefined =>
  range === undefined ? undefined : inside ? range.start + range.size : range.start;

const maximum = (a: bigint, b: bigint): bigint => (a > b ? a : b);

/** The smaller of two, of which one at most is undefined. */
function minimum(a: bigint | undefined, b: bigint | undefined): bigint {
  if (a === undefined) return b!;
  return b === undefined || a < b ? a : b;
}
