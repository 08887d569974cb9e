/**
 * Gives out the root words of a machine, to address spaces and to the tables of IOMMUs. One that readers may have
 * heard of is not used again.
 */
import { MemoryError } from '../base/errors.ts';
import { ADDRESS_SPACE_COUNT_MAX } from '../layout/control-block.ts';

export class RootWords {
  private used = 0;

  /** The first of `count` roots that nobody had before. @throws MemoryError ADDRESS_SPACES_EXHAUSTED */
  take(count: number, what: string): number {
    const first = this.used;
    if (first + count > ADDRESS_SPACE_COUNT_MAX) {
      throw new MemoryError(
        'ADDRESS_SPACES_EXHAUSTED',
        `${what} would be number ${first + count}; a machine has at most ${ADDRESS_SPACE_COUNT_MAX} in its life, counting each index of an IOMMU`,
      );
    }
    this.used += count;
    return first;
  }

  /** The `count` roots from `first` on were never published: the transaction that took them is undone, the last first. */
  giveBack(first: number, count: number): void {
    if (first + count === this.used) this.used = first;
  }
}
