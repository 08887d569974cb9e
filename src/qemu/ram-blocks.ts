/**
 * The RAM blocks that a layout's regions need, laid out as QEMU lays out its own. A layout does not say in which order
 * blocks were made nor where they were put, so offsets are ours, by the rules that QEMU's keep.
 */
import type { RamBlockInfo } from '../base/ram-block-info.ts';
import type { MemoryRegion } from '../model/memory-region.ts';
import { groupUnder } from './group-under.ts';
import { ownerName } from './region-owner.ts';

/** What backs the memory of a process on most hosts. */
const PAGE_SIZE_BYTES = 4096;
/** QEMU begins a block where a word of its dirty bitmap begins: each 64 pages of the target, here of 4 KiB. */
const OFFSET_ALIGN = BigInt(64 * PAGE_SIZE_BYTES);

/**
 * A block for each region with bytes, biggest first, and among equals in the order given.
 * Those that have the same name are told apart by their owners, and at last by a number.
 */
export function ramBlocksOfRegions(regions: Iterable<MemoryRegion>): RamBlockInfo[] {
  const backed = [...regions].filter(
    ({ kind, isRam, size }) => (isRam || kind === 'rom-device') && size > 0n,
  );
  const ids = idsOf(backed);
  const biggestFirst = backed.sort((a, b) => (a.size === b.size ? 0 : a.size > b.size ? -1 : 1));
  let next = 0n;
  return biggestFirst.map((region) => {
    const offset = next;
    next = offset + roundedUp(region.size, OFFSET_ALIGN);
    const totalBytes = roundedUp(region.size, BigInt(PAGE_SIZE_BYTES));
    return {
      id: ids.get(region)!,
      pageSizeBytes: PAGE_SIZE_BYTES,
      offset,
      usedBytes: totalBytes,
      totalBytes,
      readonly: region.readonly,
    };
  });
}

const roundedUp = (size: bigint, step: bigint): bigint => ((size + step - 1n) / step) * step;

function idsOf(regions: readonly MemoryRegion[]): Map<MemoryRegion, string> {
  const sameName = new Map<string, MemoryRegion[]>();
  for (const region of regions) groupUnder(sameName, region.name, region);
  const ids = new Map<MemoryRegion, string>();
  const taken = new Set<string>();
  const numbers = new Map<string, number>();
  for (const region of regions) {
    const alone = sameName.get(region.name)!.length === 1;
    const owner = alone ? null : ownerName(region);
    const path = owner === null ? region.name : `${owner}/${region.name}`;
    let id = path;
    while (taken.has(id)) {
      const number = (numbers.get(path) ?? 1) + 1;
      numbers.set(path, number);
      id = `${path}#${number}`;
    }
    taken.add(id);
    ids.set(region, id);
  }
  return ids;
}
