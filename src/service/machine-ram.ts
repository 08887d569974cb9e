/**
 * The part of a machine that is about the bytes of its RAM, as the control thread sees them: reading and writing
 * them, what is mapped or not; where they are; how large they are; when they go.
 */
import { describeValue, invalidArgument } from '../base/arguments.ts';
import { MemoryError } from '../base/errors.ts';
import type { RamBlockInfo } from '../base/ram-block-info.ts';
import { integerFromArgument } from '../model/arguments.ts';
import { finalizeRegions } from '../model/finalize.ts';
import { type MemoryRegion, requireRegion } from '../model/memory-region.ts';
import type { DirtyPages } from '../publish/dirty-pages.ts';
import {
  placeOfRamAddress,
  type RamPlace,
  ramAddressOf,
  ramBlockInfos,
  ramBytes,
} from '../publish/ram-addresses.ts';
import type { RamStore } from '../publish/ram-store.ts';

export abstract class MachineRam {
  protected abstract readonly ram: RamStore;
  protected abstract readonly dirtyPages: DirtyPages;

  /**
   * Copies `bytes` into the bytes of a RAM, ROM or ROM device region, mapped or not.
   * @throws MemoryError NOT_RAM, INVALID_ARGUMENT past the region's end, RAM_EXHAUSTED, RAM_ID_TAKEN
   */
  writeRam(region: MemoryRegion, offset: bigint | number, bytes: Uint8Array): void {
    const where = whereOf(region);
    const at = integerFromArgument(where, 'offset', offset);
    if (!(bytes instanceof Uint8Array))
      throw invalidArgument(where, `bytes must be a Uint8Array, got ${describeValue(bytes)}`);
    this.dirtyPages.write(region, at, bytes);
  }

  /** A copy of `size` bytes of a RAM, ROM or ROM device region. Throws as writeRam does. */
  readRam(region: MemoryRegion, offset: bigint | number, size: number): Uint8Array {
    const at = insideFrom(region, offset, size); // before the copy: nobody shall reserve it for nothing
    const copy = new Uint8Array(size);
    this.ram.eachPiece(region, at, size, (piece, done) => copy.set(piece, done));
    return copy;
  }

  /**
   * The bytes themselves, as a view that vCPUs write to as well; use it no longer once the region is released. Tell
   * dirtyLog.setDirty() of what you write.
   * @throws MemoryError RAM_NOT_CONTIGUOUS where they lie in several pieces, else as writeRam does
   */
  ramBytes(region: MemoryRegion, offset: bigint | number, size: number): Uint8Array<SharedArrayBuffer> {
    return ramBytes(this.ram, region, insideFrom(region, offset, size), size);
  }

  /** Where a byte of a region is in the RAM address space, in which blocks never overlap. Throws as writeRam does. */
  ramAddressOf(region: MemoryRegion, offset: bigint | number): bigint {
    return ramAddressOf(this.ram, region, integerFromArgument(whereOf(region), 'offset', offset));
  }

  /** The region's byte at a RAM address; null where there is none. @throws MemoryError INVALID_ARGUMENT */
  regionFromRamAddress(address: bigint | number): RamPlace | null {
    return placeOfRamAddress(this.ram, integerFromArgument('a RAM address', 'it', address));
  }

  /** The RAM that is in use here, the biggest block first. */
  get ramBlocks(): readonly RamBlockInfo[] {
    return ramBlockInfos(this.ram);
  }

  /** The regions in use here whose bytes belong to a saved or moved machine, the oldest first. */
  get migratableRegions(): readonly MemoryRegion[] {
    return [...this.ram.backedRegions].flatMap(([region]) => (region.migratable ? [region] : []));
  }

  /**
   * Changes the size of RAM made by MemoryRegion.resizableRam(); its onResized is called after the transaction.
   * @throws MemoryError RAM_NOT_RESIZABLE, RAM_EXHAUSTED past its largest size
   * @source QEMU memory_region_ram_resize
   */
  resizeRam(region: MemoryRegion, size: bigint | number): void {
    requireRegion('resizeRam()', 'region', region);
    region.resize(size);
  }

  /**
   * Writes bytes of RAM made by MemoryRegion.ramFromFile() to its file; by default all of them.
   * @throws MemoryError RAM_NOT_FROM_FILE, RAM_FILE_READONLY, RAM_FILE_UNUSABLE, INVALID_ARGUMENT past the end
   * @source QEMU memory_region_msync, memory_region_writeback
   */
  syncRam(region: MemoryRegion, offset = 0, sizeBytes?: number): void {
    syncFile(region, offset, sizeBytes);
  }

  /**
   * Gives the bytes of `region` back after a grace period, and after the mappings, caches and holds by which a
   * thread still has them. Resolves when that is done.
   * @throws MemoryError REGION_STILL_MAPPED while anything shows it
   */
  async releaseRam(region: MemoryRegion): Promise<void> {
    await null; // after the transaction that may be open: the grace period begins with its publication
    requireRegion('releaseRam()', 'region', region);
    refuseMapped(region);
    await this.ram.release(region); // mapped again meanwhile, it has other bytes
  }

  /**
   * Ends a region: disables it, takes it out of its container and its children out of it, in one transaction, and
   * gives its RAM back after a grace period. Resolves when that is done. Every further use of it is an error.
   * @throws MemoryError REGION_STILL_MAPPED for the root of an address space; REGION_FINALIZED the second time
   */
  async finalizeRegion(region: MemoryRegion): Promise<void> {
    await null; // as above
    requireRegion('finalizeRegion()', 'region', region);
    await finalizeRegions([region]);
  }

  /**
   * To call when the machine has ended. Writes back to files what was asked for; throws the first failure when all
   * were tried.
   */
  protected endRam(): void {
    const failures: unknown[] = [];
    for (const [region] of this.ram.backedRegions) {
      try {
        region.backing.file?.close();
      } catch (error) {
        failures.push(error);
      }
    }
    this.ram.close();
    if (failures.length > 0) throw failures[0];
  }
}

function refuseMapped(region: MemoryRegion): void {
  if (!region.isMapped && region.addressSpaces.size === 0) return;
  throw new MemoryError(
    'REGION_STILL_MAPPED',
    `RAM region '${region.name}' is still mapped; unmap it and its aliases first`,
  );
}

/** @returns how messages call it. @throws MemoryError INVALID_ARGUMENT for what is no region */
function whereOf(region: MemoryRegion): string {
  requireRegion('RAM', 'region', region);
  return `region '${region.name}'`;
}

/** @returns `offset`, exact, of `size` bytes that the region has. @throws MemoryError INVALID_ARGUMENT */
function insideFrom(region: MemoryRegion, offset: bigint | number, size: number): bigint {
  const where = whereOf(region);
  const at = integerFromArgument(where, 'offset', offset);
  if (!Number.isSafeInteger(size) || size < 0)
    throw invalidArgument(where, `size must be a whole number of bytes from 0, got ${describeValue(size)}`);
  if (at < 0n || at + BigInt(size) > region.size)
    throw invalidArgument(where, `${size} bytes at ${at} pass its end (0x${region.size.toString(16)} bytes)`);
  return at;
}

function syncFile(region: MemoryRegion, offset: number, sizeBytes: number | undefined): void {
  requireRegion('syncRam()', 'region', region);
  const { file } = region.backing;
  if (file === null) {
    throw new MemoryError(
      'RAM_NOT_FROM_FILE',
      `region '${region.name}' was not made by MemoryRegion.ramFromFile() and has no file to be written to`,
    );
  }
  file.write(offset, sizeBytes);
}
