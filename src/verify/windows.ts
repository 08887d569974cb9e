/**
 * Where the regions of an address space lie, visible or not: the places at whose borders a wrong map shows.
 * Only a hint where to look; what is expected there the oracle says.
 */
import { ADDRESS_LAST } from '../base/addresses.ts';
import type { MemoryRegion } from '../model/memory-region.ts';

export interface RegionWindow {
  readonly region: MemoryRegion;
  /** Both inclusive, absolute in the address space. */
  readonly first: bigint;
  readonly last: bigint;
}

const WINDOWS_MAX = 20_000;
const DEPTH_MAX = 200;

/** The places of all regions under `root`, outermost first; not more than WINDOWS_MAX. */
export function windowsOf(root: MemoryRegion | null): RegionWindow[] {
  const windows: RegionWindow[] = [];
  if (root !== null) visit(root, root.address, 0n, ADDRESS_LAST, 0, windows);
  return windows;
}

function visit(
  region: MemoryRegion,
  base: bigint,
  clipFirst: bigint,
  clipLast: bigint,
  depth: number,
  windows: RegionWindow[],
): void {
  const end = base + region.size - 1n;
  const first = base > clipFirst ? base : clipFirst;
  const last = end < clipLast ? end : clipLast;
  if (first > last || depth > DEPTH_MAX || windows.length >= WINDOWS_MAX) return;
  windows.push({ region, first, last });
  const target = region.aliasTarget;
  if (target !== null) visit(target, base - region.aliasOffset, first, last, depth + 1, windows);
  for (const child of region.children) visit(child, base + child.address, first, last, depth + 1, windows);
}
