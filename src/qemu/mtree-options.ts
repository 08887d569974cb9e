/** What to show of trees and flat views: QEMU's options of `info mtree`, for text and JSON alike. */

export interface MtreeOptions {
  /** -D: also disabled regions; without it only their children appear. */
  readonly showDisabled?: boolean;
  /** -o: who owns each region. */
  readonly showOwners?: boolean;
}

export interface FlatViewOptions {
  /** -o: who owns the region of each range. */
  readonly showOwners?: boolean;
  /**
   * -d: also the dispatch tree of each view that has ranges, as QEMU builds it over pages of 2^dispatchPageBits
   * bytes; 8 to 18, and 12 for most of its targets. Our own dispatch is another: it has no pages.
   */
  readonly dispatchPageBits?: number;
}
