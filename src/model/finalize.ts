/**
 * The end of regions: out of the tree in one transaction, then, once no reader can reach them, out of the RAM.
 * Guarantee: either all of them are finalised, or the tree is as it was.
 */
import { MemoryError } from '../base/errors.ts';
import { unmapChild } from './mapping.ts';
import type { MemoryRegion } from './memory-region.ts';
import { refuseFinalized } from './region-lifetime.ts';
import { mutate, transaction } from './transaction.ts';

/**
 * Not to be called inside a transaction: what it frees must be out of the readers' sight.
 * @returns resolves once all RAM of theirs is given back
 * @throws MemoryError REGION_FINALIZED, REGION_STILL_MAPPED for the root of an address space, or what a
 *   transaction throws
 */
export function finalizeRegions(regions: readonly MemoryRegion[]): Promise<void> {
  transaction(() => {
    for (const region of regions) takeOut(region);
  });
  return giveBack(regions);
}

function takeOut(region: MemoryRegion): void {
  refuseFinalized(region);
  const [space] = region.addressSpaces;
  if (space !== undefined) {
    throw new MemoryError(
      'REGION_STILL_MAPPED',
      `region '${region.name}' is the root of address space '${space.name}'; give that another root first`,
    );
  }
  region.setEnabled(false);
  if (region.container !== null) unmapChild(region.container, region);
  for (const child of region.children) unmapChild(region, child);
  mutate({
    pending: false,
    regions: [region],
    apply: () => (region.lifetime.finalized = true),
    undo: () => (region.lifetime.finalized = false),
  });
}

async function giveBack(regions: readonly MemoryRegion[]): Promise<void> {
  const released = regions.flatMap((region) =>
    [...region.lifetime.backers].map((backer) => backer.release(region)),
  );
  for (const region of regions) region.keeper?.disown(region);
  await Promise.all(released);
  for (const region of regions) region.backing.file?.close();
}
