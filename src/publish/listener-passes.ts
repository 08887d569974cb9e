/**
 * Tells an audience how its address space changed, in the order of MemoryListener's table. A registration is
 * a change from nothing to the view, a removal one from the view to nothing.
 */
import type { CoalescedRange } from '../model/coalesced-ranges.ts';
import type { RegionEventfd } from '../model/eventfd-list.ts';
import type { FlatRange, FlatView } from '../render/flat-view.ts';
import { MemoryRegionSection, overlapOf } from '../render/memory-region-section.ts';
import type { Audience } from './audience.ts';
import {
  eventfdChange,
  type ListsBefore,
  type RangeStep,
  rangeSteps,
  type ViewChange,
} from './view-change.ts';

/** Lists of regions before the transaction, where it changed them. */
export interface ChangedLists {
  readonly eventfds: ListsBefore<RegionEventfd>;
  readonly coalesced: ListsBefore<CoalescedRange>;
}

/** @param nops whether ranges that stayed are told to those who ask for them */
export function tellChange(audience: Audience, change: ViewChange, lists: ChangedLists, nops: boolean): void {
  const allStayed = nops && audience.hasFullPass;
  if (change.before === change.after && !allStayed && lists.eventfds.size + lists.coalesced.size === 0)
    return;
  const steps =
    allStayed || lists.eventfds.size + lists.coalesced.size > 0
      ? rangeSteps(
          [{ before: change.before.ranges, after: change.after.ranges }],
          ({ region }) => allStayed || lists.eventfds.has(region) || lists.coalesced.has(region),
        )
      : rangeSteps(change.difference);
  const passes = new Passes(audience, change, lists);
  for (const step of steps) passes.remove(step);
  for (const step of steps) passes.add(step, allStayed);
  passes.eventfds(steps);
}

class Passes {
  private readonly audience: Audience;
  private readonly change: ViewChange;
  private readonly lists: ChangedLists;

  constructor(audience: Audience, change: ViewChange, lists: ChangedLists) {
    this.audience = audience;
    this.change = change;
    this.lists = lists;
  }

  /** First pass: what is gone. */
  remove({ before, after }: RangeStep): void {
    if (before === null) return;
    const section = this.section(this.change.before, before);
    if (after === null) {
      this.logStop(section, before.dirtyLogMask, 0);
      this.coalesced('coalescedIoDel', section, before, this.coalescedBefore(before));
      this.audience.descending('regionDel', section, (listener) => listener.regionDel?.(section));
    } else if (this.lists.coalesced.has(before.region)) {
      const kept = this.coalescedKept(before);
      this.coalesced('coalescedIoDel', section, before, this.coalescedBefore(before).slice(kept));
    }
  }

  /** Second pass: what is new, and what stayed. */
  add({ before, after }: RangeStep, nops: boolean): void {
    if (after === null) return;
    const section = this.section(this.change.after, after);
    if (before === null) {
      this.audience.ascending('regionAdd', section, (listener) => listener.regionAdd?.(section));
      this.coalesced('coalescedIoAdd', section, after, after.region.coalescing.items);
      this.logStart(section, 0, after.dirtyLogMask);
      return;
    }
    if (nops)
      this.audience.ascending('regionNop', section, (listener) => {
        if (listener.fullPass === true) listener.regionNop?.(section);
      });
    this.logStart(section, before.dirtyLogMask, after.dirtyLogMask);
    this.logStop(section, before.dirtyLogMask, after.dirtyLogMask);
    if (this.lists.coalesced.has(after.region)) {
      const added = after.region.coalescing.items.slice(this.coalescedKept(after));
      this.coalesced('coalescedIoAdd', section, after, added);
    }
  }

  /** Last: whoever adds an ioeventfd finds its range, and none that conflicts. */
  eventfds(steps: readonly RangeStep[]): void {
    const { deleted, added } = eventfdChange(this.change, steps, this.lists.eventfds);
    for (const { section, eventfd } of deleted)
      this.audience.descending('eventfdDel', section, (listener) => listener.eventfdDel?.(section, eventfd));
    for (const { section, eventfd } of added)
      this.audience.ascending('eventfdAdd', section, (listener) => listener.eventfdAdd?.(section, eventfd));
  }

  private section(flatView: FlatView, range: FlatRange): MemoryRegionSection {
    return new MemoryRegionSection({ addressSpace: this.change.addressSpace, flatView }, range);
  }

  private logStart(section: MemoryRegionSection, old: number, now: number): void {
    if ((now & ~old) === 0) return;
    this.audience.ascending('logStart', section, (listener) => listener.logStart?.(section, old, now));
  }

  private logStop(section: MemoryRegionSection, old: number, now: number): void {
    if ((old & ~now) === 0) return;
    this.audience.descending('logStop', section, (listener) => listener.logStop?.(section, old, now));
  }

  private coalescedBefore({ region }: FlatRange): readonly CoalescedRange[] {
    return this.lists.coalesced.get(region) ?? region.coalescing.items;
  }

  /** How many ranges the lists before and after have in common at their front. */
  private coalescedKept(range: FlatRange): number {
    const old = this.coalescedBefore(range);
    const now = range.region.coalescing.items;
    let kept = 0;
    while (kept < old.length && old[kept] === now[kept]) kept += 1;
    return kept;
  }

  private coalesced(
    callback: 'coalescedIoAdd' | 'coalescedIoDel',
    section: MemoryRegionSection,
    range: FlatRange,
    coalesced: readonly CoalescedRange[],
  ): void {
    const shift = range.start - range.offsetInRegion;
    const order = callback === 'coalescedIoAdd' ? 'ascending' : 'descending';
    for (const { offset, size } of coalesced) {
      const shown = overlapOf(range, offset + shift, offset + shift + size);
      if (shown === null) continue;
      this.audience[order](callback, section, (listener) =>
        listener[callback]?.(section, shown.start, shown.size),
      );
    }
  }
}
