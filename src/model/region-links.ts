/**
 * Where a region hangs: its container, its children, and who sees it from above.
 * Only model/ writes here.
 *
 * Guarantee: `seenBy` and `rootOf` are complete for every region that is in use, and hold nothing that
 * is not, so a region does not keep the aliases alive that were unmapped or never mapped.
 * In use is a region that has a container, is the root of an address space, or is the target of an
 * alias in use. An alias joins its target's `seenBy` while it is in use.
 */
import { assert } from '../base/assert.ts';
import type { AddressSpace } from './address-space.ts';
import { ChildList, type ChildPlace } from './child-list.ts';
import type { MemoryRegion } from './memory-region.ts';

export class RegionLinks {
  container: MemoryRegion | null = null;
  /** Bytes from the start of the container, and the place among siblings; both outlive unmapping. */
  address: bigint;
  priority: number;
  readonly children = new ChildList();
  /** In the container's children; written by ChildList. */
  place: ChildPlace | null = null;
  /** The aliases in use whose target is this region. */
  readonly seenBy = new Set<MemoryRegion>();
  readonly rootOf = new Set<AddressSpace>();

  constructor(address: bigint, priority: number) {
    this.address = address;
    this.priority = priority;
  }

  get inUse(): boolean {
    return this.container !== null || this.rootOf.size > 0 || this.seenBy.size > 0;
  }
}

/** To call after `region` came into use, or gained one more use. */
export function registerUse(region: MemoryRegion): void {
  let alias = region;
  for (let target = alias.aliasTarget; target !== null; target = alias.aliasTarget) {
    if (target.links.seenBy.has(alias)) return;
    target.links.seenBy.add(alias);
    alias = target;
  }
}

/** To call after `region` lost a use; unregisters it along its alias chain as far as uses end. */
export function unregisterUse(region: MemoryRegion): void {
  let alias = region;
  while (!alias.links.inUse) {
    const target = alias.aliasTarget;
    if (target === null) return;
    assert(target.links.seenBy.delete(alias), 'an alias in use is known to its target');
    alias = target;
  }
}
