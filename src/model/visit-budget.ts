/**
 * Bounds on walks down the tree, so that no tree can take the stack or the day: aliases of aliases multiply
 * what a walk visits, and an alias that shows a shifted part of its own container repeats itself.
 */
import { MemoryError } from '../base/errors.ts';
import type { MemoryRegion } from './memory-region.ts';

/** Levels of children and aliases below a root. */
export const DEPTH_MAX = 1000;
/** Regions visited in one piece of work; one shown by many aliases is visited for each. */
export const VISITS_MAX = 4_000_000;

/** How many regions may still be visited; shared by walks that are one piece of work. */
export class VisitBudget {
  private visits: number;

  constructor(visits: number = VISITS_MAX) {
    this.visits = visits;
  }

  /** @throws MemoryError RENDER_TOO_DEEP, RENDER_TOO_LARGE */
  spend(region: MemoryRegion, depth: number): void {
    if (depth > DEPTH_MAX) {
      throw new MemoryError(
        'RENDER_TOO_DEEP',
        `region '${region.name}' is more than ${DEPTH_MAX} containers and aliases below the root; nest less`,
      );
    }
    if (--this.visits < 0) {
      throw new MemoryError(
        'RENDER_TOO_LARGE',
        `gave up at region '${region.name}': too many regions to visit; aliases of aliases multiply them, use fewer`,
      );
    }
  }
}
