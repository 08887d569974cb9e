/**
 * The RAM address space: every byte that a machine has reserved for RAM has an address there, whatever the
 * guest's maps are. It is the buffer's id in the upper bits and the byte in the buffer in the lower 32, so the
 * blocks of one buffer lie apart, and those of two buffers too.
 */
import { MemoryError } from '../base/errors.ts';
import type { RamBlockInfo } from '../base/ram-block-info.ts';
import type { MemoryRegion } from '../model/memory-region.ts';
import { BLOCK_ALIGN, blockEnd, type RamBlock, type RamStore } from './ram-store.ts';

/** A buffer has at most 2^32 bytes. */
const BUFFER_SHIFT = 32n;

/** A byte of a region. */
export interface RamPlace {
  readonly region: MemoryRegion;
  readonly offset: bigint;
}

const addressOfBlock = ({ buffer, byte }: RamBlock): bigint =>
  (BigInt(buffer) << BUFFER_SHIFT) + BigInt(byte);

/** @throws MemoryError NOT_RAM, INVALID_ARGUMENT past the region's end, and what RamStore.blocksOf throws */
export function ramAddressOf(store: RamStore, region: MemoryRegion, offset: bigint): bigint {
  const blocks = store.blocksOf(region);
  const block = blocks.find((each) => offset >= each.offsetInRegion && offset < blockEnd(each));
  if (block !== undefined && offset < region.size)
    return addressOfBlock(block) + (offset - block.offsetInRegion);
  throw new MemoryError(
    'INVALID_ARGUMENT',
    `byte ${offset} is not in region '${region.name}' (0x${region.size.toString(16)} bytes)`,
  );
}

/** The byte at a RAM address; null where no region has one. */
export function placeOfRamAddress(store: RamStore, address: bigint): RamPlace | null {
  for (const [region, blocks] of store.backedRegions) {
    for (const block of blocks) {
      const offset = address - addressOfBlock(block) + block.offsetInRegion;
      if (offset >= block.offsetInRegion && offset < blockEnd(block) && offset < region.size)
        return { region, offset };
    }
  }
  return null;
}

/**
 * The bytes themselves, as a view.
 * @throws MemoryError RAM_NOT_CONTIGUOUS if they are not in one piece; INVALID_ARGUMENT, NOT_RAM
 */
export function ramBytes(
  store: RamStore,
  region: MemoryRegion,
  offset: bigint,
  size: number,
): Uint8Array<SharedArrayBuffer> {
  const pieces: Uint8Array<SharedArrayBuffer>[] = [];
  store.eachPiece(region, offset, size, (bytes) => pieces.push(bytes));
  if (pieces.length === 1) return pieces[0]!;
  if (pieces.length === 0) return new Uint8Array(new SharedArrayBuffer(0));
  throw new MemoryError(
    'RAM_NOT_CONTIGUOUS',
    `${size} bytes of region '${region.name}' from 0x${offset.toString(16)} on lie in ${pieces.length} pieces; ` +
      'copy them with readRam() and writeRam()',
  );
}

/** All blocks, the biggest first. A region that grew has several, the further ones with their offset in the id. */
export function ramBlockInfos(store: RamStore): RamBlockInfo[] {
  const infos: RamBlockInfo[] = [];
  for (const [region, blocks] of store.backedRegions) {
    for (const run of contiguousRuns(blocks)) infos.push(infoOf(store.idOf(region), region, run));
  }
  return infos.sort((a, b) => Number(b.totalBytes - a.totalBytes));
}

/** Blocks that follow each other in the region and in the RAM address space: RAM of more than 4 GiB is one run. */
function contiguousRuns(blocks: readonly RamBlock[]): RamBlock[][] {
  const runs: RamBlock[][] = [];
  for (const block of blocks) {
    const run = runs.at(-1);
    const last = run?.at(-1);
    const follows =
      last !== undefined && addressOfBlock(last) + BigInt(last.sizeBytes) === addressOfBlock(block);
    if (follows) run!.push(block);
    else runs.push([block]);
  }
  return runs;
}

function infoOf(id: string, region: MemoryRegion, run: readonly RamBlock[]): RamBlockInfo {
  const [first] = run;
  const { offsetInRegion } = first!;
  const totalBytes = run.reduce((sum, { sizeBytes }) => sum + BigInt(sizeBytes), 0n);
  const used = (region.size + BigInt(BLOCK_ALIGN - 1)) & -BigInt(BLOCK_ALIGN);
  const isResizable = region.backing.onResized !== null;
  return {
    id: offsetInRegion === 0n ? id : `${id}+0x${offsetInRegion.toString(16)}`,
    pageSizeBytes: BLOCK_ALIGN,
    offset: addressOfBlock(first!),
    usedBytes: isResizable && used < totalBytes ? used : totalBytes,
    totalBytes,
    readonly: region.readonly,
  };
}
