/**
 * What a memory port must do, byte by byte: each address asks the literal rule of visibility
 * (visibility.ts), RAM is a plain array for each region, devices are registers. It knows neither views nor
 * maps nor pages. Bytes are found by region id, so a tree and its twin share them.
 */
import { MEMTX_DECODE_ERROR, MEMTX_OK, type MemTxResult } from '../../src/base/mem-tx-result.ts';
import type { MemoryRegion } from '../../src/model/memory-region.ts';
import { viewRootOf } from '../../src/render/view-root.ts';
import type { ByteRegisters } from './bench-machine.ts';
import { type Answer, whoAnswers } from './visibility.ts';

const TOP = 1n << 64n;

export interface ModelBytes {
  /** RAM or ROM bytes of a region. */
  ram(region: MemoryRegion): Uint8Array;
  /** Its device; null where nobody answers. */
  registers(region: MemoryRegion): ByteRegisters | null;
}

type Access =
  | { readonly kind: 'ram'; readonly bytes: Uint8Array; readonly offset: number }
  | { readonly kind: 'device'; readonly registers: ByteRegisters; readonly offset: number }
  | { readonly kind: 'discarded' | 'rejected' | 'hole' };

export class PortModel {
  result: MemTxResult = MEMTX_OK;
  private readonly root: () => MemoryRegion | null;
  private readonly bytes: ModelBytes;

  constructor(root: () => MemoryRegion | null, bytes: ModelBytes) {
    this.root = root;
    this.bytes = bytes;
  }

  load(address: bigint, size: number): bigint {
    this.result = MEMTX_OK;
    return this.loadPiece(address, size);
  }

  store(address: bigint, size: number, value: bigint): void {
    this.result = MEMTX_OK;
    this.storePiece(address, size, value);
  }

  readBytes(address: bigint, into: Uint8Array): void {
    this.result = MEMTX_OK;
    this.inPieces(address, into.length, 'read', (access, at, size, done) => {
      for (let i = 0; i < size; i += 1) into[done + i] = 0;
      if (access.kind === 'ram') into[done] = access.bytes[access.offset]!;
      else if (access.kind === 'device') {
        const value = BigInt(access.registers.read(access.offset, size));
        for (let i = 0; i < size; i += 1) into[done + i] = Number((value >> BigInt(8 * i)) & 255n);
      } else this.result |= MEMTX_DECODE_ERROR;
      return at;
    });
  }

  writeBytes(address: bigint, from: Uint8Array): void {
    this.result = MEMTX_OK;
    this.inPieces(address, from.length, 'write', (access, at, size, done) => {
      if (access.kind === 'ram') access.bytes[access.offset] = from[done]!;
      else if (access.kind === 'device') {
        for (let i = 0; i < size; i += 1) access.registers.bytes[access.offset + i] = from[done + i]!;
      } else this.result |= MEMTX_DECODE_ERROR;
      return at;
    });
  }

  /** Bytes one by one, but a device in pieces of up to four that are aligned within its region. */
  private inPieces(
    address: bigint,
    length: number,
    direction: 'read' | 'write',
    visit: (access: Access, at: bigint, size: number, done: number) => void,
  ): void {
    for (let done = 0; done < length; ) {
      const at = (address + BigInt(done)) % TOP;
      const access = this.accessTo(at, direction);
      let size = access.kind === 'device' ? 4 : 1;
      while ((access.kind === 'device' && access.offset % size !== 0) || size > length - done) size /= 2;
      visit(access, at, size, done);
      done += size;
    }
  }

  private loadPiece(at: bigint, size: number): bigint {
    const access = this.accessTo(at, 'read');
    if (access.kind === 'ram' && this.inOneSection(at, size)) {
      let value = 0n;
      for (let i = size - 1; i >= 0; i -= 1) value = (value << 8n) | BigInt(access.bytes[access.offset + i]!);
      return value;
    }
    const isWhole = access.kind === 'hole' || access.kind === 'ram' ? size === 1 : at % BigInt(size) === 0n;
    if (!isWhole) {
      let value = 0n;
      for (const { offset, count } of naturalPieces(at, size)) {
        value |= this.loadPiece((at + BigInt(offset)) % TOP, count) << BigInt(8 * offset);
      }
      return value;
    }
    if (access.kind === 'device' && access.offset % size === 0) {
      const { registers, offset } = access;
      const low = BigInt.asUintN(8 * Math.min(size, 4), BigInt(registers.read(offset, Math.min(size, 4))));
      return size < 8 ? low : low | (BigInt.asUintN(32, BigInt(registers.read(offset + 4, 4))) << 32n);
    }
    this.result |= MEMTX_DECODE_ERROR; // a device refuses what is not aligned within its region
    return 0n;
  }

  private storePiece(at: bigint, size: number, value: bigint): void {
    const access = this.accessTo(at, 'store');
    const isPlain = access.kind === 'ram' || access.kind === 'discarded';
    if (isPlain && this.inOneSection(at, size)) {
      for (let i = 0; access.kind === 'ram' && i < size; i += 1) {
        access.bytes[access.offset + i] = Number((value >> BigInt(8 * i)) & 255n);
      }
      return;
    }
    const isWhole = isPlain || access.kind === 'hole' ? size === 1 : at % BigInt(size) === 0n;
    if (!isWhole) {
      for (const { offset, count } of naturalPieces(at, size)) {
        this.storePiece((at + BigInt(offset)) % TOP, count, value >> BigInt(8 * offset));
      }
    } else if (access.kind === 'device' && access.offset % size === 0) {
      for (let done = 0; done < size; done += 4) {
        const bytes = Math.min(size, 4);
        const part = Number(BigInt.asUintN(8 * bytes, value >> BigInt(8 * done)));
        access.registers.write(access.offset + done, part, bytes);
      }
    } else this.result |= MEMTX_DECODE_ERROR;
  }

  /** What an access that begins at `at` meets. A store discards what is read-only; a bulk write rejects it. */
  private accessTo(at: bigint, direction: 'read' | 'store' | 'write'): Access {
    const answer = this.answerAt(at);
    if (answer === null) return { kind: 'hole' };
    const { region, offset, readonly } = answer;
    const reads = direction === 'read';
    const isDirect = region.kind === 'ram' || (reads && region.kind === 'rom-device' && region.romd);
    if (isDirect && (reads || !readonly)) {
      return { kind: 'ram', bytes: this.bytes.ram(region), offset: Number(offset) };
    }
    if (!reads && readonly) return { kind: direction === 'store' ? 'discarded' : 'rejected' };
    const registers = this.bytes.registers(region);
    return registers === null ? { kind: 'rejected' } : { kind: 'device', registers, offset: Number(offset) };
  }

  private answerAt(address: bigint): Answer | null {
    const root = viewRootOf(this.root());
    return root === null ? null : whoAnswers(root, address);
  }

  /** Whether one region answers with the same attributes for all of the access, its bytes in a row. */
  private inOneSection(at: bigint, size: number): boolean {
    if (at + BigInt(size) > TOP) return false;
    const first = this.answerAt(at)!;
    for (let i = 1n; i < BigInt(size); i += 1n) {
      const next = this.answerAt(at + i);
      if (next === null || next.region !== first.region || next.offset !== first.offset + i) return false;
      if (next.readonly !== first.readonly || next.nonvolatile !== first.nonvolatile) return false;
    }
    return true;
  }
}

/** Smaller pieces of an access, each naturally aligned, ascending. */
function naturalPieces(at: bigint, size: number): { offset: number; count: number }[] {
  const pieces: { offset: number; count: number }[] = [];
  for (let offset = 0; offset < size; ) {
    let count = size / 2;
    while ((at + BigInt(offset)) % BigInt(count) !== 0n || count > size - offset) count /= 2;
    pieces.push({ offset, count });
    offset += count;
  }
  return pieces;
}
