/** What a transaction published, in a line: the regions that changed, as they are since. The same decisions, the same line. */
import type { MemoryRegion } from '../src/model/memory-region.ts';
import type { TransactionChanges } from '../src/model/transaction.ts';

export function layoutText({ regions, rerooted, eventfds, coalesced, iommus }: TransactionChanges): string {
  const parts: string[] = [];
  for (const space of rerooted) parts.push(`${space.name}: ${space.root?.name ?? 'nothing'}`);
  for (const region of regions) parts.push(regionText(region));
  for (const region of eventfds.keys()) parts.push(`ioeventfds of ${region.name}`);
  for (const region of coalesced.keys()) parts.push(`coalesced ranges of ${region.name}`);
  if (iommus.size > 0) parts.push(`mappings of ${iommus.size} IOMMUs`);
  return parts.join('; ');
}

/** All by which a region can look different. */
function regionText(region: MemoryRegion): string {
  const { name, container, address, size, priority, enabled, readonly, aliasTarget } = region;
  const flags = `${enabled ? '' : ' off'}${readonly ? ' readonly' : ''}${region.nonvolatile ? ' nv' : ''}`;
  const place = container === null ? '' : ` at ${hex(address)} of ${container.name} prio ${priority}`;
  const shows = aliasTarget === null ? '' : ` = ${aliasTarget.name}+${hex(region.aliasOffset)}`;
  return `${name}${place} size ${hex(size)}${shows}${flags}${region.unmergeable ? ' unmergeable' : ''}`;
}

const hex = (value: bigint): string => `0x${value.toString(16)}`;
