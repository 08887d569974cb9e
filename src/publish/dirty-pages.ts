/**
 * The dirty bits of regions: which of their bytes were written since a client looked last. Control thread only.
 * Guarantee: a client that begins to log a region finds all of it dirty, and so does whoever logs one whose size
 * changed. What was stored by layouts that did not mark yet is therefore among what the client finds first.
 * Writes: DIRTY_BITS, DIRTY_CODE_VERSIONS.
 */
import {
  anyPageIsDirty,
  DIRTY_ALL_CLIENTS,
  DIRTY_PAGE_BYTES,
  dirtyPage,
  markDirtyPages,
  takeDirtyPages,
} from '../layout/dirty-bitmap.ts';
import type { MemoryRegion } from '../model/memory-region.ts';
import type { FlatRange } from '../render/flat-view.ts';
import type { ViewDifference } from '../render/view-difference.ts';
import { DirtyRanges } from './dirty-ranges.ts';
import { hasBytes, type RamStore } from './ram-store.ts';

interface Logged {
  readonly mask: number;
  readonly size: bigint;
}

export class DirtyPages {
  private readonly ram: RamStore;
  /** Regions that somebody logs in the views that are published. */
  private readonly logged = new WeakMap<MemoryRegion, Logged>();

  constructor(ram: RamStore) {
    this.ram = ram;
  }

  /** To call in the turn in which views change: whoever could clear a bit comes later. */
  published(changes: readonly { readonly difference: ViewDifference }[]): void {
    for (const { difference } of changes)
      for (const { after } of difference) for (const range of after) this.shows(range);
  }

  private shows({ region, dirtyLogMask: mask }: FlatRange): void {
    if (!hasBytes(region)) return;
    const { size } = region;
    const before = this.logged.get(region);
    if (before?.mask === mask && before.size === size) return;
    if (mask === 0) {
      this.logged.delete(region);
      return;
    }
    const marked = before !== undefined && before.size === size ? before.mask : 0;
    this.mark(region, 0n, Number(size), mask & ~marked);
    this.logged.set(region, { mask, size });
  }

  /** Marks whatever pages have a byte in `[offset, offset + size)`. @param mask bits 1 << DIRTY_CLIENT_* */
  mark(region: MemoryRegion, offset: bigint, size: number, mask = DIRTY_ALL_CLIENTS): void {
    this.ram.eachPiece(region, offset, size, (piece, _done, dirty) => {
      markDirtyPages(dirty, firstPage(piece), lastPage(piece), mask);
    });
  }

  /** Copies `bytes` in, and marks what it wrote. */
  write(region: MemoryRegion, offset: bigint, bytes: Uint8Array): void {
    this.ram.eachPiece(region, offset, bytes.length, (piece, done, dirty) => {
      markDirtyPages(dirty, firstPage(piece), lastPage(piece), DIRTY_ALL_CLIENTS);
      piece.set(bytes.subarray(done, done + piece.length));
    });
  }

  /** Whether a page with a byte in `[offset, offset + size)` is dirty for `client`. */
  isDirty(region: MemoryRegion, offset: bigint, size: number, client: number): boolean {
    let isDirty = false;
    this.ram.eachPiece(region, offset, size, (piece, _done, dirty) => {
      isDirty ||= anyPageIsDirty(dirty, firstPage(piece), lastPage(piece), client);
    });
    return isDirty;
  }

  /** Clears the bits of `client` of every page with a byte in `[offset, offset + size)`, and returns which were set. */
  take(region: MemoryRegion, offset: bigint, size: number, client: number): DirtyRanges {
    const taken = new DirtyRanges(Number(region.size));
    this.ram.eachPiece(region, offset, size, (piece, done, dirty) => {
      const origin = Number(offset) + done - piece.byteOffset; // of the buffer's byte 0, in the region
      takeDirtyPages(dirty, firstPage(piece), lastPage(piece), client, (page) => {
        const start = origin + page * DIRTY_PAGE_BYTES;
        taken.add(start, start + DIRTY_PAGE_BYTES);
      });
    });
    return taken;
  }
}

const firstPage = (piece: Uint8Array): number => dirtyPage(piece.byteOffset);
const lastPage = (piece: Uint8Array): number => dirtyPage(piece.byteOffset + piece.length - 1);
