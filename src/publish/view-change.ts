/**
 * What became of each range of an address space from one view to the next, and of the ioeventfds in it.
 * Pure.
 */

import type { AddressSpace } from '../model/address-space.ts';
import { compareEventfds, type RegionEventfd } from '../model/eventfd-list.ts';
import type { MemoryRegion } from '../model/memory-region.ts';
import { type FlatRange, type FlatView, rangesAgree } from '../render/flat-view.ts';
import { MemoryRegionSection, overlapOf } from '../render/memory-region-section.ts';
import type { ViewDifference, ViewPart } from '../render/view-difference.ts';
import type { SeenEventfd } from './memory-listener.ts';

export interface ViewChange {
  readonly addressSpace: AddressSpace;
  readonly before: FlatView;
  /** The same object where the view is the same. */
  readonly after: FlatView;
  /** Between the two. */
  readonly difference: ViewDifference;
}

/** A range that vanished (no `after`), appeared (no `before`) or stayed (both; their masks may differ). */
export interface RangeStep {
  readonly before: FlatRange | null;
  readonly after: FlatRange | null;
}

/** Lists of regions as they were; of a region that is not in it, as they are. */
export type ListsBefore<T> = ReadonlyMap<MemoryRegion, readonly T[]>;

/**
 * Ascending; a range that vanished comes before one that appeared at its start.
 * @param stayed whether a range that stayed, with its mask, matters
 */
export function rangeSteps(
  difference: ViewDifference,
  stayed: (range: FlatRange) => boolean = () => false,
): RangeStep[] {
  const steps: RangeStep[] = [];
  for (const part of difference) addSteps(part, stayed, steps);
  return steps;
}

function addSteps(
  { before, after }: ViewPart,
  stayed: (range: FlatRange) => boolean,
  steps: RangeStep[],
): void {
  let oldIndex = 0;
  let newIndex = 0;
  while (oldIndex < before.length || newIndex < after.length) {
    const old = before[oldIndex];
    const now = after[newIndex];
    if (old !== undefined && now !== undefined && sameRange(old, now)) {
      if (old.dirtyLogMask !== now.dirtyLogMask || stayed(now)) steps.push({ before: old, after: now });
      oldIndex += 1;
      newIndex += 1;
    } else if (now === undefined || (old !== undefined && old.start <= now.start)) {
      steps.push({ before: old!, after: null });
      oldIndex += 1;
    } else {
      steps.push({ before: null, after: now });
      newIndex += 1;
    }
  }
}

/** Equality of what a listener is told of; a mask is told by itself. */
const sameRange = (a: FlatRange, b: FlatRange): boolean =>
  a === b || (a.start === b.start && a.size === b.size && rangesAgree(a, b));

/** An ioeventfd, and the section where it shows. */
export interface ShownEventfd {
  readonly section: MemoryRegionSection;
  readonly eventfd: SeenEventfd;
}

export interface EventfdChange {
  readonly deleted: readonly ShownEventfd[];
  readonly added: readonly ShownEventfd[];
}

interface Placed extends RegionEventfd {
  readonly range: FlatRange;
}

/**
 * The least that leads from the ioeventfds before to those after; both ascending.
 * @param steps all ranges that vanished or appeared, and those that stayed of the regions in `lists`
 */
export function eventfdChange(
  { addressSpace, before, after }: ViewChange,
  steps: readonly RangeStep[],
  lists: ListsBefore<RegionEventfd>,
): EventfdChange {
  const old = placed(
    steps.map((step) => step.before),
    (region) => lists.get(region) ?? region.eventfds.items,
  );
  const now = placed(
    steps.map((step) => step.after),
    (region) => region.eventfds.items,
  );
  const show = (flatView: FlatView, { range, offset, ...rest }: Placed): ShownEventfd => ({
    section: new MemoryRegionSection({ addressSpace, flatView }, range),
    eventfd: { ...rest, offsetWithinAddressSpace: offset },
  });
  const deleted: ShownEventfd[] = [];
  const added: ShownEventfd[] = [];
  let oldIndex = 0;
  let newIndex = 0;
  while (oldIndex < old.length || newIndex < now.length) {
    const a = old[oldIndex];
    const b = now[newIndex];
    const order = a === undefined ? 1 : b === undefined ? -1 : compareEventfds(a, b);
    if (order < 0) deleted.push(show(before, a!));
    if (order > 0) added.push(show(after, b!));
    if (order <= 0) oldIndex += 1;
    if (order >= 0) newIndex += 1;
  }
  return { deleted, added };
}

/** The ioeventfds that meet the ranges, at their addresses in the address space, sorted. */
function placed(
  ranges: readonly (FlatRange | null)[],
  eventfdsOf: (region: MemoryRegion) => readonly RegionEventfd[],
): Placed[] {
  return ranges
    .flatMap((range) => {
      if (range === null) return [];
      const shift = range.start - range.offsetInRegion;
      return eventfdsOf(range.region)
        .map((entry) => ({ ...entry, offset: entry.offset + shift, range }))
        .filter(({ offset, size }) => overlapOf(range, offset, offset + BigInt(size || 1)) !== null);
    })
    .sort(compareEventfds);
}
