/**
 * map() and unmap() of a port: zero-copy windows onto RAM, and bounce buffers for what is not. One thread's own.
 * Guarantee: the bytes of a window stay those of the region that it was mapped from until unmap(), whatever the
 * layout becomes and whoever gives RAM back, for the window holds the view that it was found in.
 * What was written through a window is marked dirty by unmap(), for readers of dirty logs and translated code.
 * A bounce buffer takes from its address space's budget, which all threads share, until unmap().
 * @source QEMU address_space_map, address_space_unmap: spec section 7.10
 */
import { describeValue } from '../base/arguments.ts';
import { MemoryError } from '../base/errors.ts';
import type { MemoryMapping } from '../base/guest-memory.ts';
import type { MemTxAttrs } from '../base/mem-tx-attrs.ts';
import { MEMTX_OK, type MemTxResult } from '../base/mem-tx-result.ts';
import { readBytes, writeBytes } from './bulk.ts';
import { directWindow } from './direct-window.ts';
import type { RamView } from './ram-views.ts';
import type { SlowAccess } from './slow-access.ts';
import type { ThreadHolds } from './thread-holds.ts';

/** What unmap() must know of a mapping. */
interface Mapped {
  readonly hi: number;
  readonly lo: number;
  readonly attrs: MemTxAttrs;
  /** View that a window holds; 0 for a bounce buffer. */
  readonly view: number;
  /** Where a window's bytes are; null for a bounce buffer. */
  readonly ram: RamView | null;
}

export class MemoryMap {
  private readonly slow: SlowAccess;
  private readonly addressSpace: number;
  private readonly holds: ThreadHolds;
  private readonly mapped = new Map<MemoryMapping, Mapped>();

  constructor(slow: SlowAccess, addressSpace: number, holds: ThreadHolds) {
    this.slow = slow;
    this.addressSpace = addressSpace;
    this.holds = holds;
  }

  map(hi: number, lo: number, length: number, isWrite: boolean): MemoryMapping | null {
    refuseLength(length);
    this.slow.result = MEMTX_OK;
    const window = directWindow(this.slow, hi, lo, length, isWrite);
    if (window === null) return this.bounce(hi, lo, length, isWrite);
    const { view, attrs } = this.slow;
    const ram = this.slow.ram.get(window.buffer);
    const bytes = new Uint8Array(ram.bytes.buffer, window.byte, window.length);
    this.holds.views.take(view);
    return this.added({ bytes, isWrite, isBounce: false }, { hi, lo, attrs, view, ram });
  }

  unmap(mapping: MemoryMapping, accessed?: number): MemTxResult {
    const mapped = this.mapped.get(mapping);
    if (mapped === undefined) {
      throw new MemoryError(
        'MAPPING_ENDED',
        'unmap() of what is not mapped: it was unmapped already, or belongs to another port or thread',
      );
    }
    const accessedLength = accessed ?? mapping.bytes.length;
    if (!Number.isInteger(accessedLength) || accessedLength < 0 || accessedLength > mapping.bytes.length) {
      throw new MemoryError(
        'INVALID_ARGUMENT',
        `unmap() of ${mapping.bytes.length} bytes: ${describeValue(accessedLength)} of them cannot have been accessed`,
      );
    }
    this.mapped.delete(mapping);
    if (mapped.ram !== null) {
      const { hi, lo, ram } = mapped;
      if (mapping.isWrite) this.slow.markWritten(ram, mapping.bytes.byteOffset, hi, lo, accessedLength);
      this.holds.views.release(mapped.view);
      return MEMTX_OK;
    }
    const result = mapping.isWrite
      ? this.writeBack(mapped, mapping.bytes.subarray(0, accessedLength))
      : MEMTX_OK;
    this.holds.bounce.give(this.addressSpace, mapping.bytes.length);
    return result;
  }

  private bounce(hi: number, lo: number, length: number, isWrite: boolean): MemoryMapping | null {
    const count = this.holds.bounce.take(this.addressSpace, length);
    if (count === 0) return null;
    const bytes = new Uint8Array(count);
    const { attrs } = this.slow;
    if (!isWrite) this.slow.result = readBytes(this.slow, hi, lo, bytes);
    return this.added({ bytes, isWrite, isBounce: true }, { hi, lo, attrs, view: 0, ram: null });
  }

  /** With the attributes of map(), and by the layout of now (Q9). */
  private writeBack({ hi, lo, attrs }: Mapped, bytes: Uint8Array): MemTxResult {
    const { slow } = this;
    const before = slow.attrs;
    slow.setAttrs(attrs);
    const result = writeBytes(slow, hi, lo, bytes);
    slow.setAttrs(before);
    return result;
  }

  private added(mapping: MemoryMapping, mapped: Mapped): MemoryMapping {
    this.mapped.set(mapping, mapped);
    return mapping;
  }
}

/** @throws MemoryError INVALID_ARGUMENT unless `length` is a whole number of bytes, one at least */
export function refuseLength(length: number): void {
  if (Number.isSafeInteger(length) && length > 0) return;
  throw new MemoryError(
    'INVALID_ARGUMENT',
    `a length of ${describeValue(length)} bytes: give a whole number from 1 on`,
  );
}
