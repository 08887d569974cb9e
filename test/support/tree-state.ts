/** Everything that a tree is, as a value to compare: properties, order of children, and links upwards. */
import type { AddressSpace } from '../../src/model/address-space.ts';
import type { MemoryRegion } from '../../src/model/memory-region.ts';

const ids = (regions: Iterable<MemoryRegion>): number[] => [...regions].map(({ id }) => id);
const sorted = (numbers: number[]): number[] => numbers.sort((a, b) => a - b);

const regionState = (region: MemoryRegion): unknown => ({
  id: region.id,
  size: region.size,
  flags: [region.enabled, region.readonly, region.nonvolatile, region.unmergeable, region.romd],
  address: region.address,
  priority: region.priority,
  aliasOffset: region.aliasOffset,
  container: region.container?.id ?? null,
  children: ids(region.children),
  seenBy: sorted(ids(region.links.seenBy)),
  rootOf: sorted([...region.addressSpaces].map(({ id }) => id)),
});

export const treeState = (regions: Iterable<MemoryRegion>, spaces: Iterable<AddressSpace> = []): unknown => ({
  regions: [...regions].map(regionState),
  roots: [...spaces].map(({ root }) => root?.id ?? null),
});
