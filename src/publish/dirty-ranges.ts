/**
 * Which bytes of a region were dirty, as a snapshot: ascending ranges that do not touch each other. Dirty is what
 * shares a page of 4 KiB with a byte that was written, so it may reach beyond what was asked for.
 */

/** Bytes of a region. */
export interface DirtyRange {
  /** Of the first byte, in the region. */
  readonly offset: number;
  /** In bytes. */
  readonly size: number;
}

export class DirtyRanges {
  private readonly regionBytes: number;
  private readonly starts: number[] = [];
  private readonly ends: number[] = [];

  /** @param regionBytes no range reaches past it */
  constructor(regionBytes: number) {
    this.regionBytes = regionBytes;
  }

  /** Adds `[start, end)`, which begins at or after the end of what was added last. */
  add(start: number, end: number): void {
    const from = Math.max(start, 0);
    const to = Math.min(end, this.regionBytes);
    const last = this.ends.length - 1;
    if (last >= 0 && this.ends[last] === from) this.ends[last] = to;
    else {
      this.starts.push(from);
      this.ends.push(to);
    }
  }

  get isEmpty(): boolean {
    return this.starts.length === 0;
  }

  /** Whether a byte of `[offset, offset + size)` is dirty. @source QEMU memory_region_snapshot_get_dirty */
  isDirty(offset: number, size: number): boolean {
    const { starts, ends } = this;
    let low = 0;
    let high = starts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (ends[middle]! > offset) high = middle;
      else low = middle + 1;
    }
    return low < starts.length && starts[low]! < offset + size;
  }

  *[Symbol.iterator](): Iterator<DirtyRange> {
    for (const [index, offset] of this.starts.entries()) yield { offset, size: this.ends[index]! - offset };
  }
}
