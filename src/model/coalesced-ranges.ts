/**
 * The parts of one region in which writes may be queued and replayed later, in order.
 * Guarantee: in the order of insertion; overlapping ranges are neither merged nor refused. A change is told
 * to listeners when its transaction ends, at once where none is open, and rebuilds no map.
 */
import { insideFromArguments } from './arguments.ts';
import type { MemoryRegion } from './memory-region.ts';
import type { Bytes } from './region-options.ts';
import { mutate, transaction } from './transaction.ts';

export interface CoalescedRange {
  /** Bytes from the start of the region. */
  readonly offset: bigint;
  readonly size: bigint;
}

const NONE: readonly CoalescedRange[] = Object.freeze([]);

interface State {
  readonly ranges: readonly CoalescedRange[];
  readonly flush: boolean;
}

const NO_RANGES: State = { ranges: NONE, flush: false };

export class CoalescedRanges {
  private readonly region: MemoryRegion;
  private state = NO_RANGES;

  constructor(region: MemoryRegion) {
    this.region = region;
  }

  /** Frozen; another array after each change. */
  get items(): readonly CoalescedRange[] {
    return this.state.ranges;
  }

  /** Whether an access to this region that is not coalesced must drain what is queued first. */
  get flush(): boolean {
    return this.state.flush;
  }

  /**
   * Lets writes to `[offset, offset + size)` be queued, and sets the flush flag.
   * @throws MemoryError INVALID_ARGUMENT for an empty range or one that is not inside the region
   * @source QEMU memory_region_add_coalescing
   */
  add(offset: Bytes, size: Bytes): void {
    const where = `coalesced range of region '${this.region.name}'`;
    const range = Object.freeze(insideFromArguments(where, this.region.size, offset, size));
    this.replace({ ranges: Object.freeze([...this.state.ranges, range]), flush: true });
  }

  /** Removes all ranges, and with them the flush flag. */
  clear(): void {
    this.replace(NO_RANGES);
  }

  /** Makes the whole region the only range. @source QEMU memory_region_set_coalescing */
  setCoalescing(): void {
    transaction(() => {
      this.clear();
      this.add(0n, this.region.size);
    });
  }

  /** Has accesses to this region drain the queue though it has no ranges: it orders itself after a neighbour. */
  setFlushCoalesced(): void {
    this.replace({ ...this.state, flush: true });
  }

  /** The opposite; the flag stays while there are ranges. */
  clearFlushCoalesced(): void {
    this.replace({ ...this.state, flush: this.state.ranges.length > 0 });
  }

  private replace(after: State): void {
    const before = this.state;
    if (after.ranges === before.ranges && after.flush === before.flush) return;
    mutate({
      pending: false,
      regions: [],
      coalesced: { region: this.region, before: before.ranges },
      apply: () => (this.state = after),
      undo: () => (this.state = before),
    });
  }
}
