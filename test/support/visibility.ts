/**
 * The rule of visibility, literally: who answers at ONE address. Slow, recursive, and simple enough to be
 * believed; rendering is tested against it.
 */
import type { MemoryRegion } from '../../src/model/memory-region.ts';

export interface Answer {
  readonly region: MemoryRegion;
  readonly offset: bigint;
  readonly readonly: boolean;
  readonly nonvolatile: boolean;
  readonly unmergeable: boolean;
}

/** @param address in the coordinates of the region's container */
export function whoAnswers(region: MemoryRegion, address: bigint): Answer | null {
  const offset = address - region.address;
  if (!region.enabled || offset < 0n || offset >= region.size) return null;
  const found = answerInside(region, offset);
  return (
    found && {
      ...found,
      readonly: found.readonly || region.readonly,
      nonvolatile: found.nonvolatile || region.nonvolatile,
      unmergeable: found.unmergeable || region.unmergeable,
    }
  );
}

function answerInside(region: MemoryRegion, offset: bigint): Answer | null {
  const target = region.aliasTarget;
  if (target !== null) return whoAnswers(target, target.address + region.aliasOffset + offset);
  for (const child of region.children) {
    const found = whoAnswers(child, offset);
    if (found !== null) return found;
  }
  const flags = { readonly: false, nonvolatile: false, unmergeable: false };
  return region.terminates ? { region, offset, ...flags } : null;
}
