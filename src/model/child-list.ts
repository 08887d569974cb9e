/**
 * The children of one region, in the order that decides who is visible, and an index of them by address.
 * Guarantee: priority descending, and among equals the one inserted last comes first. Every insertion has a
 * number that says when it was made; who goes back under the number that it had is where it was.
 */
import { assert } from '../base/assert.ts';
import { type Interval, IntervalIndex } from './interval-index.ts';
import type { MemoryRegion } from './memory-region.ts';

const NO_CHILDREN: readonly MemoryRegion[] = Object.freeze([]);

/** A child, where it lies in its container, and its rank among its siblings. */
export interface ChildPlace extends Interval {
  readonly child: MemoryRegion;
  readonly priority: number;
}

/** Who hides whom: the first hides the others. */
export const inListOrder = (a: ChildPlace, b: ChildPlace): number =>
  b.priority - a.priority || b.number - a.number;

const isEnabled = ({ child }: ChildPlace): boolean => child.enabled;

export class ChildList {
  private readonly index = new IntervalIndex<ChildPlace>();
  private listOrder: readonly MemoryRegion[] | null = NO_CHILDREN;
  private insertions = 0;
  private count = 0;

  get size(): number {
    return this.count;
  }

  /** Frozen, in list order; the same array until the list changes. */
  get items(): readonly MemoryRegion[] {
    this.listOrder ??= Object.freeze([...this.index].sort(inListOrder).map(({ child }) => child));
    return this.listOrder;
  }

  /** The first that are enabled, by their addresses: `count` at the most. */
  enabled(count: number): MemoryRegion[] {
    return this.index.first(count, isEnabled).map(({ child }) => child);
  }

  /** Those that meet `[start, end)` of the container, by ascending address; costs go with their number. */
  meeting(start: bigint, end: bigint): ChildPlace[] {
    return this.index.meeting(start, end);
  }

  /** Inserts `child` by its address, size and priority, in front of its equals. */
  insert(child: MemoryRegion): void {
    this.insertions += 1;
    this.insertAt(this.insertions, child);
  }

  /** Removes `child`, and returns its number for insertAt. */
  remove(child: MemoryRegion): number {
    const { place } = child.links;
    assert(place !== null, 'a child has a place');
    child.links.place = null;
    this.index.remove(place);
    this.count -= 1;
    this.listOrder = null;
    return place.number;
  }

  /** Puts `child` back under the number that remove() returned. */
  insertAt(number: number, child: MemoryRegion): void {
    const { address, priority, size } = child;
    const place = { child, priority, number, start: address, end: address + size };
    child.links.place = place;
    this.index.insert(place);
    this.count += 1;
    this.listOrder = null;
  }

  /** To call after the size of `child` has changed. */
  resized(child: MemoryRegion): void {
    this.insertAt(this.remove(child), child);
  }
}
