/**
 * Where the bytes of RAM regions are: blocks carved from one large reserved buffer (buffer 0), which every
 * thread has from the start, and buffers of their own for what does not fit. Control thread only.
 * Guarantee: a region's bytes stay at their place until detach(), whatever happens in the tree, and a
 * fresh block reads as zeros.
 */
import { assert } from '../base/assert.ts';
import { MemoryError } from '../base/errors.ts';
import { sharedBuffer } from '../base/shared-memory.ts';
import type { Attachment } from '../layout/attachments.ts';
import type { SharedWords } from '../layout/control-block.ts';
import { createDirtyBitmap, DIRTY_ALL_CLIENTS, dirtyPage, markDirtyPages } from '../layout/dirty-bitmap.ts';
import type { MemoryRegion } from '../model/memory-region.ts';
import { type RegionBacker, refuseFinalized } from '../model/region-lifetime.ts';
import { RamIds } from './ram-ids.ts';

/** Part of a region's bytes, contiguous in one buffer. A region has one, or more where it is large or grew. */
export interface RamBlock {
  /** Byte in the region of the block's first byte. */
  readonly offsetInRegion: bigint;
  readonly sizeBytes: number;
  readonly buffer: number;
  /** Byte in the buffer of the block's first byte. */
  readonly byte: number;
}

interface FreeExtent {
  byte: number;
  sizeBytes: number;
}

/** Bytes of a page: what RAM is reserved in. */
export const BLOCK_ALIGN = 4096;
/** V8 in Node 20 holds no larger buffer. */
export const RAM_BUFFER_BYTES_MAX = 2 ** 32;
/** A larger RAM region is refused rather than tried: 256 GiB, in 64 buffers. */
export const RAM_REGION_BYTES_MAX = 2n ** 38n;

const alignUp = (size: bigint): bigint => (size + BigInt(BLOCK_ALIGN - 1)) & -BigInt(BLOCK_ALIGN);

/** Whether a region has bytes of its own here. */
export const hasBytes = (region: MemoryRegion): boolean => region.isRam || region.kind === 'rom-device';

export class RamStore implements RegionBacker {
  /** Calls back once no layout that a reader holds beyond its grace period shows `region`. */
  onceUnheld: (region: MemoryRegion, free: () => void) => void = (_, free) => free();
  /** By buffer id; null once dropped. */
  private readonly buffers: (Uint8Array<SharedArrayBuffer> | null)[];
  /** Likewise, the dirty bits of each. */
  private readonly dirty: (SharedWords | null)[];
  private readonly blocks = new Map<MemoryRegion, RamBlock[]>();
  private readonly ids = new RamIds();
  private readonly free: FreeExtent[];
  private readonly post: (attachment: Attachment) => void;
  private readonly afterGrace: (callback: () => void) => void;

  /**
   * @param reserveBytes size of buffer 0; untouched pages of it cost nothing
   * @param post tells the reader threads of further buffers
   * @param afterGrace calls back once no reader can reach what it could reach before
   */
  constructor(
    reserveBytes: number,
    post: (attachment: Attachment) => void,
    afterGrace: (callback: () => void) => void,
  ) {
    this.buffers = [new Uint8Array(sharedBuffer(reserveBytes))];
    this.dirty = [createDirtyBitmap(reserveBytes)];
    this.free = [{ byte: 0, sizeBytes: reserveBytes }];
    this.post = post;
    this.afterGrace = afterGrace;
  }

  /** Buffer 0 and its dirty bits. */
  get shared(): { readonly ram: SharedArrayBuffer; readonly dirty: SharedArrayBuffer } {
    return { ram: this.bytesOf(0).buffer, dirty: this.dirtyOf(0).buffer };
  }

  /** Bytes reserved for RAM in all buffers, used or not; V8's heap figures do not count them. */
  get reservedBytes(): number {
    return this.buffers.reduce((sum, bytes) => sum + (bytes?.length ?? 0), 0);
  }

  /** Bytes of their dirty bits. */
  get dirtyBytes(): number {
    return this.dirty.reduce((sum, words) => sum + (words?.byteLength ?? 0), 0);
  }

  /**
   * The blocks that hold `region`, ascending by offset and without gaps; made at the first call, and
   * extended when the region has grown since.
   * @throws MemoryError NOT_RAM; RAM_ID_TAKEN; REGION_FINALIZED; RAM_EXHAUSTED if the system has no memory for another buffer, or the region
   *   has become larger than the backing that it was made with
   */
  blocksOf(region: MemoryRegion): readonly RamBlock[] {
    if (!hasBytes(region)) {
      throw new MemoryError(
        'NOT_RAM',
        `region '${region.name}' is of kind '${region.kind}' and has no bytes of its own`,
      );
    }
    const blocks = this.blocks.get(region) ?? this.admit(region); // before extending: what a failure leaves half-made is found again
    const { own, capacityBytes } = region.backing;
    if (capacityBytes !== null) refuseBeyond(region, capacityBytes);
    if (own === null) this.extend(region, blocks, capacityBytes ?? region.size);
    else if (blocks.length === 0 && own.sizeBytes > 0) {
      const { sizeBytes, byteOffset: byte } = own;
      const buffer = this.register(new Uint8Array(own.buffer));
      blocks.push({ offsetInRegion: 0n, sizeBytes, buffer, byte });
    }
    return blocks;
  }

  /**
   * Takes the region's bytes from it; should it be mapped again, it gets fresh ones.
   * @returns what frees them, to call after a grace period, when no view that a reader may use reaches them but
   *   those that readers hold; once these have ended, too, the bytes are free and `freed` is called
   */
  detach(region: MemoryRegion): (freed?: () => void) => void {
    const blocks = this.blocks.get(region) ?? [];
    this.blocks.delete(region);
    this.ids.give(region);
    region.lifetime.backers.delete(this);
    return (freed) =>
      this.onceUnheld(region, () => {
        for (const block of blocks.splice(0)) this.freeBlock(block);
        freed?.();
      });
  }

  /** detach(), and what it returns called after a grace period; resolves when no reader holds the bytes. */
  release(region: MemoryRegion): Promise<void> {
    const free = this.detach(region);
    return new Promise((resolve) => {
      this.afterGrace(() => free(resolve));
    });
  }

  /** The regions that have blocks, in the order in which they got them. */
  get backedRegions(): Iterable<readonly [MemoryRegion, readonly RamBlock[]]> {
    return this.blocks;
  }

  /** Id of the region's blocks, which it has. */
  idOf(region: MemoryRegion): string {
    const id = this.ids.of(region);
    assert(id !== undefined, 'a region with blocks has an id');
    return id;
  }

  /** The machine has ended: its regions may live on without it. */
  close(): void {
    for (const region of this.blocks.keys()) region.lifetime.backers.delete(this);
  }

  /**
   * Calls `visit` with each contiguous piece of `[offset, offset + size)` of the region's bytes, and the dirty bits
   * of its buffer.
   */
  eachPiece(
    region: MemoryRegion,
    offset: bigint,
    size: number,
    visit: (bytes: Uint8Array<SharedArrayBuffer>, done: number, dirty: SharedWords) => void,
  ): void {
    if (offset < 0n || offset + BigInt(size) > region.size) {
      throw new MemoryError(
        'INVALID_ARGUMENT',
        `bytes 0x${offset.toString(16)} to +0x${size.toString(16)} pass the end of region '${region.name}' (0x${region.size.toString(16)} bytes)`,
      );
    }
    let done = 0;
    for (const block of this.blocksOf(region)) {
      const skip = offset + BigInt(done) - block.offsetInRegion;
      if (done === size || skip < 0n || skip >= BigInt(block.sizeBytes)) continue;
      const from = block.byte + Number(skip);
      const count = Math.min(size - done, block.sizeBytes - Number(skip));
      visit(this.bytesOf(block.buffer).subarray(from, from + count), done, this.dirtyOf(block.buffer));
      done += count;
    }
    assert(done === size, 'the blocks of a region have no gaps');
  }

  private admit(region: MemoryRegion): RamBlock[] {
    refuseFinalized(region);
    this.ids.take(region);
    const blocks: RamBlock[] = [];
    this.blocks.set(region, blocks);
    region.lifetime.backers.add(this);
    return blocks;
  }

  private bytesOf(buffer: number): Uint8Array<SharedArrayBuffer> {
    const bytes = this.buffers[buffer];
    assert(bytes !== null && bytes !== undefined, `RAM buffer ${buffer} was not dropped`);
    return bytes;
  }

  private dirtyOf(buffer: number): SharedWords {
    const dirty = this.dirty[buffer];
    assert(dirty !== null && dirty !== undefined, `RAM buffer ${buffer} was not dropped`);
    return dirty;
  }

  /** Makes the blocks reach `end`. */
  private extend(region: MemoryRegion, blocks: RamBlock[], end: bigint): void {
    if (end > RAM_REGION_BYTES_MAX) {
      throw new MemoryError(
        'RAM_EXHAUSTED',
        `RAM region '${region.name}' has 0x${end.toString(16)} bytes; at most 0x${RAM_REGION_BYTES_MAX.toString(16)} can be backed`,
      );
    }
    const last = blocks.at(-1);
    for (let offset = last === undefined ? 0n : blockEnd(last); offset < end; ) {
      const wanted = alignUp(end - offset);
      const carved =
        this.carve(wanted) ??
        this.newBuffer(region, wanted < RAM_BUFFER_BYTES_MAX ? Number(wanted) : RAM_BUFFER_BYTES_MAX);
      const block = { offsetInRegion: offset, ...carved };
      blocks.push(block);
      offset = blockEnd(block);
    }
  }

  private carve(wanted: bigint): { sizeBytes: number; buffer: number; byte: number } | null {
    const index = this.free.findIndex((extent) => BigInt(extent.sizeBytes) >= wanted);
    if (index < 0) return null;
    const extent = this.free[index]!;
    const sizeBytes = Number(wanted);
    const byte = extent.byte;
    extent.byte += sizeBytes;
    extent.sizeBytes -= sizeBytes;
    if (extent.sizeBytes === 0) this.free.splice(index, 1);
    return { sizeBytes, buffer: 0, byte };
  }

  private newBuffer(
    region: MemoryRegion,
    sizeBytes: number,
  ): { sizeBytes: number; buffer: number; byte: number } {
    try {
      return { sizeBytes, buffer: this.register(new Uint8Array(sharedBuffer(sizeBytes))), byte: 0 };
    } catch (error) {
      throw new MemoryError(
        'RAM_EXHAUSTED',
        `the system gave no buffer of ${sizeBytes} bytes for RAM region '${region.name}'; make it smaller or free memory`,
        { cause: error },
      );
    }
  }

  /** Tells the readers of a further buffer. Each gets an id of its own, also if it is there twice. */
  private register(bytes: Uint8Array<SharedArrayBuffer>): number {
    const dirty = createDirtyBitmap(bytes.length); // first: what has no memory leaves no buffer without bits
    const buffer = this.buffers.push(bytes) - 1;
    this.dirty.push(dirty);
    this.post({ kind: 'ram', buffer, bytes: bytes.buffer, dirty: dirty.buffer });
    return buffer;
  }

  private freeBlock(block: RamBlock): void {
    if (block.buffer === 0) this.giveBack(block);
    else {
      this.buffers[block.buffer] = null;
      this.dirty[block.buffer] = null;
      this.post({ kind: 'drop-ram', buffer: block.buffer });
    }
  }

  private giveBack(block: RamBlock): void {
    const end = block.byte + block.sizeBytes;
    this.bytesOf(0).fill(0, block.byte, end);
    markDirtyPages(this.dirtyOf(0), dirtyPage(block.byte), dirtyPage(end - 1), DIRTY_ALL_CLIENTS); // as a new block is
    const index = this.free.findIndex((extent) => extent.byte > block.byte);
    const at = index < 0 ? this.free.length : index;
    this.free.splice(at, 0, { byte: block.byte, sizeBytes: block.sizeBytes });
    for (let i = Math.max(1, at); i <= at + 1 && i < this.free.length; ) {
      const before = this.free[i - 1]!;
      const extent = this.free[i]!;
      if (before.byte + before.sizeBytes === extent.byte) {
        before.sizeBytes += extent.sizeBytes;
        this.free.splice(i, 1);
      } else i += 1;
    }
  }
}

export const blockEnd = (block: RamBlock): bigint => block.offsetInRegion + BigInt(block.sizeBytes);

function refuseBeyond(region: MemoryRegion, capacityBytes: bigint): void {
  if (region.size <= capacityBytes) return;
  throw new MemoryError(
    'RAM_EXHAUSTED',
    `RAM region '${region.name}' has 0x${region.size.toString(16)} bytes, but its backing only 0x${capacityBytes.toString(16)}; make it with a larger one`,
  );
}
