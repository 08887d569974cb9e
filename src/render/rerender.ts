/**
 * A flat view rendered again where a transaction may have changed it, and nowhere else. Pure. What comes out is
 * equal to what a rendering from the root gives (test/render/rerender.test.ts).
 *
 * Ranges that a window cuts are joined again by the rule of all neighbours. Unmergeable ones would not be: where
 * they end depends on the tree, so a window takes them in whole.
 */
import { ADDRESS_LAST, SIZE_2_64 } from '../base/addresses.ts';
import type { MemoryRegion } from '../model/memory-region.ts';
import { type Extent, extentsWith } from '../model/touched.ts';
import type { VisitBudget } from '../model/visit-budget.ts';
import { type FlatRange, FlatView } from './flat-view.ts';
import type { RangeList } from './range-list.ts';
import { joinNeighbours, piece, renderRanges } from './render.ts';
import { trimmed, type ViewDifference, type ViewPart } from './view-difference.ts';

export interface Rerendered {
  /** The same object as before where nothing differs. */
  readonly view: FlatView;
  readonly difference: ViewDifference;
}

/**
 * @param before the view of `viewRoot`, whose own address has not changed since
 * @param windows all addresses at which it may look different now
 * @throws MemoryError RENDER_TOO_DEEP, RENDER_TOO_LARGE
 */
export function rerenderFlatView(
  before: FlatView,
  viewRoot: MemoryRegion,
  windows: readonly Extent[],
  budget: VisitBudget,
  tracked: boolean,
): Rerendered {
  let { list } = before;
  const difference: ViewPart[] = [];
  for (const group of groupsOf(withWholeRanges(windows, list), list)) {
    const old = list.meeting(group[0]!.start - 1n, group.at(-1)!.end + 1n);
    const now: FlatRange[] = [];
    let cursor = -1n;
    for (const window of group) {
      keepPieces(old, cursor, window.start, now);
      const clip = { start: window.start, size: window.end - window.start };
      for (const range of renderRanges(viewRoot, clip, budget, tracked)) now.push(range);
      cursor = window.end;
    }
    keepPieces(old, cursor, SIZE_2_64, now);
    const part = trimmed(old, joinNeighbours(now));
    if (part === null) continue;
    difference.push(part);
  }
  for (const { before: gone, after } of difference) {
    const { start, end } = hullOf(gone, after);
    list = list.replaced(start, end, after);
  }
  return { view: difference.length === 0 ? before : new FlatView(viewRoot, list), difference };
}

/** From the first to the last address of the ranges of both, each ascending, and one of them not empty. */
export function hullOf(a: readonly FlatRange[], b: readonly FlatRange[]): Extent {
  let start = SIZE_2_64;
  let end = 0n;
  for (const ranges of [a, b]) {
    const first = ranges[0];
    const last = ranges.at(-1);
    if (first === undefined || last === undefined) continue;
    if (first.start < start) start = first.start;
    if (last.start + last.size > end) end = last.start + last.size;
  }
  return { start, end };
}

/** Windows within the address space, and with them all unmergeable ranges that they meet or touch. */
function withWholeRanges(windows: readonly Extent[], list: RangeList): readonly Extent[] {
  let whole: readonly Extent[] = [];
  for (const window of windows) {
    const start = window.start > 0n ? window.start : 0n;
    const end = window.end < SIZE_2_64 ? window.end : SIZE_2_64;
    if (start >= end) continue;
    whole = extentsWith(whole, { start, end });
    for (const range of list.meeting(start - 1n, end + 1n))
      if (range.unmergeable)
        whole = extentsWith(whole, { start: range.start, end: range.start + range.size });
  }
  return whole;
}

/** Windows that meet or touch the same range are looked at together. */
function groupsOf(windows: readonly Extent[], list: RangeList): Extent[][] {
  const groups: Extent[][] = [];
  let reached = -1n;
  for (const window of windows) {
    const first = list.firstAfter(window.start - 1n);
    const from = first !== null && first.start < window.start ? first.start : window.start;
    if (groups.length > 0 && from < reached) groups.at(-1)!.push(window);
    else groups.push([window]);
    const last = list.firstAfter(window.end < ADDRESS_LAST ? window.end : ADDRESS_LAST);
    reached = last !== null && last.start <= window.end ? last.start + last.size : window.end;
  }
  return groups;
}

/** Appends what of `ranges` lies in `[start, end)` to `kept`. */
function keepPieces(ranges: readonly FlatRange[], start: bigint, end: bigint, kept: FlatRange[]): void {
  for (const range of ranges) {
    const rangeEnd = range.start + range.size;
    const from = range.start > start ? range.start : start;
    const to = rangeEnd < end ? rangeEnd : end;
    if (from < to) kept.push(piece(range, from, to));
  }
}
