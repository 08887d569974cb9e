/** What a flat view shows in some windows: enough to bring a picture of the view before up to date. */
import { hexFromAddress } from '../base/addresses.ts';
import { type AddressWindow, type FlatRange, type FlatView, rangeType } from '../render/flat-view.ts';
import { type WindowJson, windowJson } from './commits.ts';
import type { Inventory } from './inventory.ts';

export interface RangeJson {
  readonly start: string;
  readonly last: string;
  readonly type: string;
  readonly name: string;
  /** Id of the region; null for one that was dropped meanwhile. */
  readonly region: string | null;
  readonly offset: string;
  readonly priority: number;
}

export interface FlatDelta {
  /** Merged and ascending. */
  readonly windows: readonly WindowJson[];
  /** The ranges that meet the windows, whole; between them nothing answers. */
  readonly ranges: readonly RangeJson[];
  /** False if there was too much to tell: ask for the flat view. */
  readonly complete: boolean;
}

/** Of one delta; more than that is not told. */
const WINDOWS_TOLD = 64;
const RANGES_TOLD = 256;

/** Windows that changed, of however many commits, in a bounded number of entries. */
export class ChangedWindows {
  private windows: AddressWindow[] = [];
  private areTooMany = false;

  add(windows: readonly AddressWindow[]): void {
    if (this.areTooMany) return;
    if (windows.length > WINDOWS_TOLD) this.areTooMany = true;
    else this.windows.push(...windows);
    if (this.windows.length > 4 * WINDOWS_TOLD) this.compact();
  }

  /** Ascending, apart from each other; null if they are too many, or were at some time. */
  merged(): readonly AddressWindow[] | null {
    this.compact();
    return this.areTooMany ? null : this.windows;
  }

  private compact(): void {
    this.windows = mergedWindows(this.windows);
    if (this.windows.length > WINDOWS_TOLD) this.areTooMany = true;
    if (this.areTooMany) this.windows = [];
  }
}

export function deltaOf(view: FlatView, changed: ChangedWindows, inventory: Inventory): FlatDelta {
  const merged = changed.merged();
  if (merged === null) return { windows: [], ranges: [], complete: false };
  const ranges: RangeJson[] = [];
  let next = 0;
  for (const { start, last } of merged) {
    next = firstReaching(view.ranges, start, next);
    for (; next < view.ranges.length && view.ranges[next]!.start <= last; next += 1) {
      if (ranges.length === RANGES_TOLD)
        return { windows: merged.map(windowJson), ranges: [], complete: false };
      ranges.push(rangeJson(view.ranges[next]!, inventory));
    }
  }
  return { windows: merged.map(windowJson), ranges, complete: true };
}

/** One range with what a picture says of it. */
export const rangeJson = (range: FlatRange, inventory: Inventory): RangeJson => ({
  ...windowJson({ start: range.start, last: range.start + range.size - 1n }),
  type: rangeType(range),
  name: range.region.name,
  region: inventory.idOfRegion(range.region),
  offset: hexFromAddress(range.offsetInRegion),
  priority: range.region.priority,
});

function mergedWindows(windows: readonly AddressWindow[]): AddressWindow[] {
  const merged: { start: bigint; last: bigint }[] = [];
  for (const { start, last } of windows.toSorted((a, b) =>
    a.start < b.start ? -1 : Number(a.start > b.start),
  )) {
    const before = merged.at(-1);
    if (before === undefined || start > before.last + 1n) merged.push({ start, last });
    else if (last > before.last) before.last = last;
  }
  return merged;
}

/** Index, at or past `from`, of the first range that ends at or past `address`. */
function firstReaching(ranges: readonly FlatRange[], address: bigint, from: number): number {
  let low = from;
  let high = ranges.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const { start, size } = ranges[middle]!;
    if (start + size > address) high = middle;
    else low = middle + 1;
  }
  return low;
}
