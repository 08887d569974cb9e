/**
 * Climbing from a region to those who see it: its container, the aliases in use that show it, and so on.
 * Costs go with the number of those above, not with the size of the tree; nothing here recurses.
 */
import type { AddressSpace } from './address-space.ts';
import type { MemoryRegion } from './memory-region.ts';

/** `regions` and all that reach them downwards through children and alias targets. */
export function regionsAbove(regions: Iterable<MemoryRegion>): Set<MemoryRegion> {
  const above = new Set(regions);
  for (const found of above) {
    if (found.container !== null) above.add(found.container);
    for (const alias of found.links.seenBy) above.add(alias);
  }
  return above;
}

/** Whether `region` has a container, or an alias in use that shows it has, over any number of aliases. */
export function isMapped(region: MemoryRegion): boolean {
  const shown = new Set([region]);
  for (const found of shown) {
    if (found.container !== null) return true;
    for (const alias of found.links.seenBy) shown.add(alias);
  }
  return false;
}

/** The address spaces in which one of `regions` may be visible. */
export function rootsSeeing(regions: Iterable<MemoryRegion>): Set<AddressSpace> {
  const spaces = new Set<AddressSpace>();
  for (const { links } of regionsAbove(regions)) for (const space of links.rootOf) spaces.add(space);
  return spaces;
}

/** Whether `region` is `container` or one of the containers around it. */
export function contains(region: MemoryRegion, container: MemoryRegion): boolean {
  for (let around: MemoryRegion | null = container; around !== null; around = around.container) {
    if (around === region) return true;
  }
  return false;
}
