/**
 * A window onto a fixed stretch of an address space that is accessed again and again, such as a virtio ring:
 * translated once. One thread's own.
 * Guarantee: until destroy() it shows the layout in which it was made, whatever later transactions do; whoever
 * must follow the layout makes another after a change.
 * Memory is reached without a lookup; what is not goes the slow way, to the same region each time. Stores to
 * memory are not noted in dirty logs: invalidate() what was written.
 * @source QEMU MemoryRegionCache: spec section 7.11
 */
import { describeValue } from '../base/arguments.ts';
import { MemoryError } from '../base/errors.ts';
import { MEMTX_DECODE_ERROR, MEMTX_OK, type MemTxResult } from '../base/mem-tx-result.ts';
import { swapped32 } from './access-loop.ts';
import { refuseNoBytes, refuseNoNumber } from './address.ts';
import { readBytes, writeBytes } from './bulk.ts';
import type { RamView } from './ram-views.ts';
import type { SlowAccess } from './slow-access.ts';
import type { ViewHold } from './view-hold.ts';

/** What a cache spans. */
export interface CachedStretch {
  readonly hi: number;
  readonly lo: number;
  readonly length: number;
  readonly isWrite: boolean;
  /** What is there takes no writes. */
  readonly isReadonly: boolean;
}

/** Where a cache's bytes are, if it has some: `byte` is that of offset 0. */
export interface CachedBytes {
  readonly ram: RamView;
  readonly byte: number;
}

export class MemoryRegionCache {
  /** MemTxResult of the last access. */
  result: MemTxResult = MEMTX_OK;
  /** Upper half of the value of the last 64-bit load, as int32. */
  high = 0;
  /** Bytes that it spans: what was asked for, or less where something else follows. */
  readonly length: number;
  private readonly at: CachedStretch;
  private readonly hold: ViewHold;
  private bytes: CachedBytes | null;
  private readonly view: DataView | null;
  private isDestroyed = false;

  constructor(hold: ViewHold, at: CachedStretch, bytes: CachedBytes | null) {
    this.hold = hold;
    this.length = at.length;
    this.at = at;
    this.bytes = bytes;
    this.view = bytes === null ? null : new DataView(bytes.ram.bytes.buffer, bytes.byte, at.length);
  }

  /** Byte at `offset` from the window's start, zero-extended. */
  load8(offset: number): number {
    return this.load(offset, 1);
  }
  load16(offset: number): number {
    return this.load(offset, 2);
  }
  /** 32 bits, as int32. */
  load32(offset: number): number {
    return this.load(offset, 4);
  }
  /** Returns the lower half as int32 and leaves the upper half in `high`. */
  load64(offset: number): number {
    return this.load(offset, 8);
  }
  store8(offset: number, value: number): void {
    this.store(offset, 1, value, 0);
  }
  store16(offset: number, value: number): void {
    this.store(offset, 2, value, 0);
  }
  store32(offset: number, value: number): void {
    this.store(offset, 4, value, 0);
  }
  store64(offset: number, valueHi: number, valueLo: number): void {
    this.store(offset, 8, valueLo, valueHi);
  }

  /** The big-endian forms. */
  load16be(offset: number): number {
    return swapped32(this.load(offset, 2)) >>> 16;
  }
  load32be(offset: number): number {
    return swapped32(this.load(offset, 4));
  }
  load64be(offset: number): number {
    const low = this.load(offset, 8);
    const value = swapped32(this.high);
    this.high = swapped32(low);
    return value;
  }
  store16be(offset: number, value: number): void {
    this.store(offset, 2, swappedNumber(value) >>> 16, 0);
  }
  store32be(offset: number, value: number): void {
    this.store(offset, 4, swappedNumber(value), 0);
  }
  store64be(offset: number, valueHi: number, valueLo: number): void {
    this.store(offset, 8, swappedNumber(valueHi), swappedNumber(valueLo));
  }

  readBytes(offset: number, into: Uint8Array): MemTxResult {
    refuseNoBytes(into);
    const slow = this.admit(offset, into.length, false);
    this.result = readBytes(slow, this.hiAt(offset), this.loAt(offset), into);
    return this.result;
  }

  writeBytes(offset: number, from: Uint8Array): MemTxResult {
    refuseNoBytes(from);
    const slow = this.admit(offset, from.length, true);
    this.result = writeBytes(slow, this.hiAt(offset), this.loAt(offset), from);
    return this.result;
  }

  /** Marks bytes that were stored as dirty: to call after stores, where someone may look at dirty logs. */
  invalidate(offset: number, length: number): void {
    const slow = this.admit(offset, length, true);
    if (this.bytes === null) return; // went the slow way, which marks
    const { ram, byte } = this.bytes;
    slow.markWritten(ram, byte + offset, this.hiAt(offset), this.loAt(offset), length);
  }

  /** Lets the layout go. @throws MemoryError MAPPING_ENDED the second time, as every access does from now on */
  destroy(): void {
    this.refuseDestroyed();
    this.isDestroyed = true;
    this.bytes = null;
    this.hold.release();
  }

  private load(offset: number, size: number): number {
    const slow = this.admit(offset, size, false);
    const { bytes, view } = this;
    if (bytes === null || view === null) {
      const value = slow.load(this.hiAt(offset), this.loAt(offset), size);
      this.result = slow.result;
      this.high = slow.high;
      return size >= 4 ? value | 0 : value;
    }
    this.result = MEMTX_OK;
    const { ram } = bytes;
    const byte = bytes.byte + offset;
    if (size === 1) return ram.bytes[byte]!;
    if (size === 2) return (byte & 1) === 0 ? ram.halves[byte / 2]! : view.getUint16(offset, true);
    if (size === 8) this.high = (byte & 3) === 0 ? ram.words[byte / 4 + 1]! : view.getInt32(offset + 4, true);
    return (byte & 3) === 0 ? ram.words[byte / 4]! : view.getInt32(offset, true);
  }

  private store(offset: number, size: number, valueLo: number, valueHi: number): void {
    const slow = this.admit(offset, size, true);
    refuseNoNumber('the value', valueLo);
    refuseNoNumber('the value', valueHi); // before any of it is stored
    const { bytes, view } = this;
    if (bytes === null || view === null) {
      if (!this.at.isReadonly)
        slow.store(this.hiAt(offset), this.loAt(offset), size, valueHi | 0, valueLo | 0);
      this.result = this.at.isReadonly ? MEMTX_DECODE_ERROR : slow.result; // dropped, as a bulk write is
      return;
    }
    this.result = MEMTX_OK;
    const { ram } = bytes;
    const byte = bytes.byte + offset;
    if (size === 1) ram.bytes[byte] = valueLo;
    else if (size === 2) {
      if ((byte & 1) === 0) ram.halves[byte / 2] = valueLo;
      else view.setUint16(offset, valueLo, true);
    } else {
      if ((byte & 3) === 0) ram.words[byte / 4] = valueLo;
      else view.setInt32(offset, valueLo, true);
      if (size === 8) this.store(offset + 4, 4, valueHi, 0);
    }
  }

  /** Of an access within the window, that it may be made; returns the slow way. */
  private admit(offset: number, size: number, isWrite: boolean): SlowAccess {
    this.refuseDestroyed();
    if (
      !(
        Number.isInteger(offset) &&
        Number.isInteger(size) &&
        offset >= 0 &&
        size >= 0 &&
        offset + size <= this.length
      )
    ) {
      throw new MemoryError(
        'INVALID_ARGUMENT',
        `${describeValue(size)} bytes at offset ${describeValue(offset)} are not within the ${this.length} bytes of the cache`,
      );
    }
    if (isWrite && !this.at.isWrite) {
      throw new MemoryError(
        'INVALID_ARGUMENT',
        'this cache was made for reads; make it with isWrite to store',
      );
    }
    return this.hold.slow;
  }

  private refuseDestroyed(): void {
    if (!this.isDestroyed) return;
    throw new MemoryError('MAPPING_ENDED', 'this cache was destroyed; make another with port.cache()');
  }

  private hiAt(offset: number): number {
    return (this.at.hi + Math.floor(((this.at.lo >>> 0) + offset) / 2 ** 32)) | 0;
  }

  private loAt(offset: number): number {
    return (this.at.lo + offset) | 0;
  }
}

/** Of what is a number: others would throw a TypeError, or be taken for one. */
function swappedNumber(value: number): number {
  refuseNoNumber('the value', value);
  return swapped32(value);
}
