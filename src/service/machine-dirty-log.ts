/**
 * Reading and clearing of dirty bits while vCPUs run. Control thread only.
 * Guarantee: no store is lost between a clear and the next read. Once the promise of a clear has resolved, every
 * store that its bits stood for is in memory, and every later one sets its bit again before the next clear
 * resolves. A page's bytes are therefore read after the promise, never before.
 * Order: clear the bits, add to WORD_DIRTY_EPOCH, wait for a grace period, resolve (docs/MEMORY-ORDER.md).
 */
import { describeValue } from '../base/arguments.ts';
import { DIRTY_CLIENT_CODE, DIRTY_CLIENT_MIGRATION, DIRTY_CLIENT_VGA } from '../base/dirty-log.ts';
import { MemoryError } from '../base/errors.ts';
import { type SharedWords, WORD_DIRTY_EPOCH } from '../layout/control-block.ts';
import { DIRTY_PAGE_BYTES } from '../layout/dirty-bitmap.ts';
import { insideFromArguments } from '../model/arguments.ts';
import { type MemoryRegion, requireRegion } from '../model/memory-region.ts';
import type { DirtyPages } from '../publish/dirty-pages.ts';
import type { DirtyRanges } from '../publish/dirty-ranges.ts';

/** Whoever keeps dirty bits of his own, as an accelerator does. */
export interface DirtyLogAudience {
  /** Before bits of `region` are read: bring yours in by setDirty(). */
  sync(region: MemoryRegion): void;
  /** Bits of `[offset, offset + size)` are being cleared: yours, too. */
  clear(region: MemoryRegion, offset: bigint, size: bigint): void;
  /** They were cleared, and what they stood for is in memory. */
  afterSync(): void;
}

export interface DirtyLogParts {
  readonly control: SharedWords;
  readonly pages: DirtyPages;
  readonly audience: DirtyLogAudience;
  /** The control thread's own ports are readers, too. */
  readonly rearm: () => void;
  /** Resolves once every reader has passed a quiescent state. */
  readonly synchronize: () => Promise<void>;
}

/** Pages of a region as bits: page i is bit `i % 8` of byte `i / 8`, pages of 4 KiB from offset 0 on. */
type PageBitmap = Uint8Array;

export class MachineDirtyLog {
  private readonly parts: DirtyLogParts;

  constructor(parts: DirtyLogParts) {
    this.parts = parts;
  }

  /**
   * Takes the dirty bits of `client` for the bytes, in whole pages, and clears them. Await it, then read the bytes
   * that it names: whoever writes them later is in the next snapshot.
   * @param client DIRTY_CLIENT_*; what is not logged for it is not marked
   * @throws MemoryError INVALID_ARGUMENT, NOT_RAM, RAM_EXHAUSTED
   * @source QEMU memory_region_snapshot_and_clear_dirty
   */
  async snapshotAndClear(
    region: MemoryRegion,
    offset: bigint | number,
    size: bigint | number,
    client: number,
  ): Promise<DirtyRanges> {
    const { control, pages, audience, rearm } = this.parts;
    const inside = insideOf(region, offset, size);
    checkClient(region, client);
    audience.sync(region);
    const taken = pages.take(region, inside.offset, Number(inside.size), client);
    if (!taken.isEmpty) {
      Atomics.add(control, WORD_DIRTY_EPOCH, 1); // pairs with ReaderSession.rearm
      rearm();
    }
    audience.clear(region, inside.offset, inside.size);
    // Where no bit was set, nothing can be under way: who set one that another call took is awaited there.
    if (!taken.isEmpty) await this.storesLand();
    audience.afterSync();
    return taken;
  }

  /**
   * Likewise, one pass of a migration: counts the dirty pages.
   * @param into of the whole region: accumulates them, and only those that it lacked are counted
   * @source QEMU cpu_physical_memory_sync_dirty_bitmap, memory_region_test_and_clear_dirty
   */
  async testAndClear(
    region: MemoryRegion,
    offset: bigint | number,
    size: bigint | number,
    client: number,
    into: PageBitmap | null = null,
  ): Promise<number> {
    requireRegion('dirty log', 'region', region);
    if (into !== null) checkBitmap(region, into);
    const taken = await this.snapshotAndClear(region, offset, size, client);
    let count = 0;
    for (const range of taken) {
      const last = Math.floor((range.offset + range.size - 1) / DIRTY_PAGE_BYTES);
      for (let page = Math.floor(range.offset / DIRTY_PAGE_BYTES); page <= last; page += 1)
        if (into === null || setBit(into, page)) count += 1;
    }
    return count;
  }

  /** Whether a page of those bytes is dirty for `client`, as far as this machine's threads wrote it. */
  isDirty(region: MemoryRegion, offset: bigint | number, size: bigint | number, client: number): boolean {
    const inside = insideOf(region, offset, size);
    checkClient(region, client);
    return this.parts.pages.isDirty(region, inside.offset, Number(inside.size), client);
  }

  /**
   * Marks bytes that were written behind the API, for all clients. Call it after the write.
   * @source QEMU memory_region_set_dirty
   */
  setDirty(region: MemoryRegion, offset: bigint | number, size: bigint | number): void {
    const inside = insideOf(region, offset, size);
    this.parts.pages.mark(region, inside.offset, Number(inside.size));
  }

  /**
   * Marks bytes of a ROM device that its callbacks changed while it is read directly.
   * @throws MemoryError NOT_A_ROM_DEVICE for anything else, and while its reads call it
   * @source QEMU memory_region_flush_rom_device
   */
  flushRomDevice(region: MemoryRegion, offset: bigint | number, size: bigint | number): void {
    requireRegion('dirty log', 'region', region);
    if (region.kind !== 'rom-device' || !region.romd) {
      const is =
        region.kind === 'rom-device' ? 'has romd off: its reads call it' : `is of kind '${region.kind}'`;
      throw new MemoryError(
        'NOT_A_ROM_DEVICE',
        `region '${region.name}' ${is}; only a ROM device in ROM mode has bytes that readers may have cached`,
      );
    }
    this.setDirty(region, offset, size);
  }

  /** Resolves when every store that was armed, or had looked, before the bits were cleared is in memory. */
  private storesLand(): Promise<void> {
    return this.parts.synchronize();
  }
}

function insideOf(region: MemoryRegion, offset: bigint | number, size: bigint | number) {
  requireRegion('dirty log', 'region', region);
  return insideFromArguments(`dirty log of region '${region.name}'`, region.size, offset, size);
}

function checkClient({ name }: MemoryRegion, client: number): void {
  if (client === DIRTY_CLIENT_VGA || client === DIRTY_CLIENT_CODE || client === DIRTY_CLIENT_MIGRATION)
    return;
  throw new MemoryError(
    'INVALID_ARGUMENT',
    `dirty log of region '${name}': client must be one of DIRTY_CLIENT_*, got ${describeValue(client)}`,
  );
}

function checkBitmap({ name, size }: MemoryRegion, into: PageBitmap): void {
  const bytes = Math.ceil(Math.ceil(Number(size) / DIRTY_PAGE_BYTES) / 8);
  if (into instanceof Uint8Array && into.length >= bytes) return;
  throw new MemoryError(
    'INVALID_ARGUMENT',
    `dirty log of region '${name}': its bitmap must be a Uint8Array of at least ${bytes} bytes`,
  );
}

/** True if the bit was not set before. */
function setBit(bitmap: PageBitmap, page: number): boolean {
  const bit = 1 << (page & 7);
  const isNew = (bitmap[page >>> 3]! & bit) === 0;
  bitmap[page >>> 3]! |= bit;
  return isNew;
}
