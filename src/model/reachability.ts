/**
 * Climbing from a region to those who see it: its container, the aliases in use that show it, and so on.
 * Costs go with the number of those above, not with the size of the tree; nothing here recurses.
 */
import type { AddressSpace } from './address-space.ts';
import type { MemoryRegion } from './memory-region.ts';

/** `region` and all that reach it downwards through children and alias targets. */
export function regionsAbove(region: MemoryRegion): Set<MemoryRegion> {
  const above = new Set([region]);
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

/** The address spaces in which `region` may be visible. */
export function rootsSeeing(region: MemoryRegion): Set<AddressSpace> {
  const spaces = new Set<AddressSpace>();
  for (const above of regionsAbove(region)) {
    for (const space of above.links.rootOf) spaces.add(space);
  }
  return spaces;
}

/** Whether mapping `child` into `container` would let a region reach itself. */
export function mappingClosesCycle(container: MemoryRegion, child: MemoryRegion): boolean {
  if (child === container) return true;
  if (child.aliasTarget === null && child.links.children.count === 0) return false;
  const above = regionsAbove(container);
  for (let reached: MemoryRegion | null = child; reached !== null; reached = reached.aliasTarget) {
    if (above.has(reached)) return true;
  }
  return false;
}
