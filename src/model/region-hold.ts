/**
 * Regions held from outside the tree: by copies of sections, by held views. `holdRegions` is the one place
 * where such a hold begins and ends.
 */
import { MemoryError } from '../base/errors.ts';
import type { MemoryRegion } from './memory-region.ts';

/** One reference, from its making to its release. */
export class Hold {
  private readonly what: string;
  private end: (() => void) | null;

  /** @param what for messages: what is held. @param end runs at the release */
  constructor(what: string, end: () => void) {
    this.what = what;
    this.end = end;
  }

  /** @throws MemoryError NOT_HELD the second time */
  release(): void {
    const { end } = this;
    if (end === null)
      throw new MemoryError('NOT_HELD', `${this.what} was released already; release each reference once`);
    this.end = null;
    end();
  }
}

/** Holds the owner of each. @param regions each at most once */
export function holdRegions(what: string, regions: readonly MemoryRegion[]): Hold {
  for (const region of regions) region.keeper?.hold();
  return new Hold(what, () => {
    for (const region of regions) region.keeper?.letGo();
  });
}
