/** How long a region lives: who backs it meanwhile, and whether its end has come. Only model/ ends it. */
import { MemoryError } from '../base/errors.ts';
import type { MemoryRegion } from './memory-region.ts';

/** Whoever keeps something for a region: a machine, its RAM. */
export interface RegionBacker {
  /** Gives it back once no reader can reach it; resolves then. */
  release(region: MemoryRegion): Promise<void>;
}

export class RegionLifetime {
  /** Set in the transaction that ends the region; from then on it can be put to no use. */
  finalized = false;
  readonly backers = new Set<RegionBacker>();
}

/** @throws MemoryError REGION_FINALIZED */
export function refuseFinalized(region: MemoryRegion): void {
  if (!region.lifetime.finalized) return;
  throw new MemoryError('REGION_FINALIZED', `region '${region.name}' is finalised; make another`);
}
