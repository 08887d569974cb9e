/**
 * The children of one region, in the order that decides who is visible.
 * Guarantee: priority descending, and among equals the one inserted last comes first.
 * The array is kept back to front, so that the usual insertion (in front of its equals) is a push.
 */
import type { MemoryRegion } from './memory-region.ts';

const NO_CHILDREN: readonly MemoryRegion[] = Object.freeze([]);

export class ChildList {
  /** Ascending priority; the front of the list is the last element. */
  private readonly backToFront: MemoryRegion[] = [];
  private listOrder: readonly MemoryRegion[] | null = NO_CHILDREN;

  /** Frozen, in list order; the same array until the list changes. */
  get items(): readonly MemoryRegion[] {
    this.listOrder ??= Object.freeze(this.backToFront.toReversed());
    return this.listOrder;
  }

  /** Inserts `child` in front of its equals. */
  insert(child: MemoryRegion, priority: number): void {
    this.insertAt(this.countUpTo(priority), child);
  }

  /** Removes `child`, which is in the list with `priority`, and returns its place for insertAt. */
  remove(child: MemoryRegion, priority: number): number {
    const place = this.backToFront.lastIndexOf(child, this.countUpTo(priority) - 1);
    this.backToFront.splice(place, 1);
    this.listOrder = null;
    return place;
  }

  /** Puts `child` back at the place that remove() returned. */
  insertAt(place: number, child: MemoryRegion): void {
    if (place === this.backToFront.length) this.backToFront.push(child);
    else this.backToFront.splice(place, 0, child);
    this.listOrder = null;
  }

  /** How many children have a priority of at most `priority`. */
  private countUpTo(priority: number): number {
    let low = 0;
    let high = this.backToFront.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.backToFront[middle]!.priority <= priority) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
