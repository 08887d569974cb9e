/**
 * Region tree to flat view. Pure: reads the tree, knows neither threads nor buffers.
 *
 * Each region yields the sorted, disjoint ranges that it shows inside its clip. Children that hide each other are laid
 * over each other, pairwise from neighbour to neighbour in list order, so N ranges cost
 * O(N log N) whatever their order; what a child leaves open shows the next, and last the region itself.
 * Starts may be negative before clipping (an alias of the middle of its target), hence signed bigint.
 * Recursion and work are bounded by a VisitBudget.
 */
import { SIZE_2_64 } from '../base/addresses.ts';
import { type ChildPlace, inListOrder } from '../model/child-list.ts';
import type { MemoryRegion } from '../model/memory-region.ts';
import { VisitBudget } from '../model/visit-budget.ts';
import { EMPTY_FLAT_VIEW, type FlatRange, FlatView, rangesAgree } from './flat-view.ts';
import { RangeList } from './range-list.ts';

/** The part of the address space to render. */
export interface RenderClip {
  readonly start: bigint;
  readonly size: bigint;
}

/** What one child shows. */
interface Layer {
  readonly place: ChildPlace;
  readonly ranges: FlatRange[];
}

/** What the way from the root to a region has gathered. Ends are exclusive. */
interface Path {
  readonly base: bigint;
  readonly clipStart: bigint;
  readonly clipEnd: bigint;
  readonly readonly: boolean;
  readonly nonvolatile: boolean;
  readonly unmergeable: boolean;
  readonly depth: number;
  /** Whether global dirty tracking is on. */
  readonly tracked: boolean;
}

/**
 * The flat view of a view root (see viewRootOf), or its part inside `clip`.
 * The root is rendered at its own address, as QEMU does.
 * @param tracked whether global dirty tracking is on
 * @throws MemoryError RENDER_TOO_DEEP, RENDER_TOO_LARGE
 */
export function renderFlatView(
  viewRoot: MemoryRegion | null,
  clip: RenderClip = { start: 0n, size: SIZE_2_64 },
  budget: VisitBudget = new VisitBudget(),
  tracked = false,
): FlatView {
  if (viewRoot === null) return EMPTY_FLAT_VIEW;
  return new FlatView(
    viewRoot,
    RangeList.from(joinNeighbours(renderRanges(viewRoot, clip, budget, tracked))),
  );
}

/** What shows inside `clip`, with neighbours not joined yet. */
export function renderRanges(
  viewRoot: MemoryRegion,
  clip: RenderClip,
  budget: VisitBudget,
  tracked: boolean,
): FlatRange[] {
  const end = clip.start + clip.size;
  const path: Path = {
    base: 0n,
    clipStart: clip.start > 0n ? clip.start : 0n,
    clipEnd: end < SIZE_2_64 ? end : SIZE_2_64,
    readonly: false,
    nonvolatile: false,
    unmergeable: false,
    depth: 1,
    tracked,
  };
  return render(viewRoot, path, budget);
}

function render(region: MemoryRegion, above: Path, budget: VisitBudget): FlatRange[] {
  budget.spend(region, above.depth);
  if (!region.enabled) return [];
  const base = above.base + region.address;
  const end = base + region.size;
  const clipStart = base > above.clipStart ? base : above.clipStart;
  const clipEnd = end < above.clipEnd ? end : above.clipEnd;
  if (clipStart >= clipEnd) return [];
  const target = region.aliasTarget;
  const path: Path = {
    // An alias shows its target as if that began where its offset says, whatever the target's own address.
    base: target === null ? base : base - region.aliasOffset - target.address,
    clipStart,
    clipEnd,
    readonly: above.readonly || region.readonly,
    nonvolatile: above.nonvolatile || region.nonvolatile,
    unmergeable: above.unmergeable || region.unmergeable,
    depth: above.depth + 1,
    tracked: above.tracked,
  };
  if (target !== null) return render(target, path, budget);
  const shown = region.links.children.size === 0 ? [] : renderChildren(region, path, budget);
  if (!region.terminates) return shown;
  return shown.length === 0 ? [ownRange(region, path)] : layPair(shown, [ownRange(region, path)]);
}

/** What the children show inside the clip: one after the other, if none hides another, else laid over each other. */
function renderChildren(region: MemoryRegion, path: Path, budget: VisitBudget): FlatRange[] {
  const layers: Layer[] = [];
  let reached = -1n;
  let overlap = false;
  const { base, clipStart, clipEnd } = path;
  for (const place of region.links.children.meeting(clipStart - base, clipEnd - base)) {
    const ranges = render(place.child, path, budget);
    if (ranges.length === 0) continue;
    layers.push({ place, ranges });
    overlap ||= ranges[0]!.start < reached;
    reached = endOf(ranges.at(-1)!);
  }
  if (!overlap) return inTurn(layers);
  layers.sort((a, b) => inListOrder(a.place, b.place));
  return layOver(layers.map(({ ranges }) => ranges));
}

function inTurn(layers: readonly Layer[]): FlatRange[] {
  if (layers.length === 1) return layers[0]!.ranges;
  const shown: FlatRange[] = [];
  for (const { ranges } of layers) for (const range of ranges) shown.push(range);
  return shown;
}

const ownRange = (region: MemoryRegion, path: Path): FlatRange => ({
  region,
  start: path.clipStart,
  size: path.clipEnd - path.clipStart,
  offsetInRegion: path.clipStart - path.base,
  readonly: path.readonly,
  nonvolatile: path.nonvolatile,
  unmergeable: path.unmergeable,
  romd: region.kind === 'rom-device' && region.romd,
  dirtyLogMask: region.dirtyLog.maskWith(path.tracked),
});

/** Lays layers over each other; the first is on top. */
function layOver(layers: FlatRange[][]): FlatRange[] {
  let rest = layers;
  while (rest.length > 1) {
    const pairs: FlatRange[][] = [];
    for (let index = 0; index < rest.length; index += 2) {
      const below = rest[index + 1];
      pairs.push(below === undefined ? rest[index]! : layPair(rest[index]!, below));
    }
    rest = pairs;
  }
  return rest[0] ?? [];
}

const endOf = (range: FlatRange): bigint => range.start + range.size;

/** Both are sorted and not empty; of `below` remains what `top` leaves open. */
function layPair(top: readonly FlatRange[], below: readonly FlatRange[]): FlatRange[] {
  if (endOf(top.at(-1)!) <= below[0]!.start) return [...top, ...below];
  if (endOf(below.at(-1)!) <= top[0]!.start) return [...below, ...top];
  const result: FlatRange[] = [];
  let topIndex = 0;
  for (const range of below) {
    const end = endOf(range);
    let cursor = range.start;
    while (cursor < end) {
      const over = top[topIndex];
      if (over === undefined || over.start >= end) {
        result.push(piece(range, cursor, end));
        break;
      }
      if (over.start > cursor) result.push(piece(range, cursor, over.start));
      const overEnd = endOf(over);
      if (overEnd > end) break; // `over` may also hide the next range; it is pushed when passed
      result.push(over);
      topIndex++;
      if (overEnd > cursor) cursor = overEnd;
    }
  }
  for (; topIndex < top.length; topIndex++) result.push(top[topIndex]!);
  return result;
}

/** The part `[start, end)` of `range`, which contains it. */
export function piece(range: FlatRange, start: bigint, end: bigint): FlatRange {
  if (start === range.start && end === endOf(range)) return range;
  return cut(range, start, end - start);
}

/** What `range` would be from `start` on. Field by field: V8 reads objects of one shape faster than spread ones. */
const cut = (range: FlatRange, start: bigint, size: bigint): FlatRange => ({
  region: range.region,
  start,
  size,
  offsetInRegion: range.offsetInRegion + (start - range.start),
  readonly: range.readonly,
  nonvolatile: range.nonvolatile,
  unmergeable: range.unmergeable,
  romd: range.romd,
  dirtyLogMask: range.dirtyLogMask,
});

/** One range of neighbours that continue each other and may be joined. */
export function joinNeighbours(ranges: readonly FlatRange[]): FlatRange[] {
  const merged: FlatRange[] = [];
  for (const range of ranges) {
    const previous = merged.at(-1);
    if (previous !== undefined && endOf(previous) === range.start && isMergeable(previous, range)) {
      merged[merged.length - 1] = cut(previous, previous.start, previous.size + range.size);
    } else {
      merged.push(range);
    }
  }
  return merged;
}

const isMergeable = (a: FlatRange, b: FlatRange): boolean => !a.unmergeable && rangesAgree(a, b);
