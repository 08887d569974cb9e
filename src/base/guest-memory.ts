/**
 * An address space as whoever masters the bus sees it: the part of a memory port that devices use. Addresses
 * are exact: numbers below 2^53, or bigints below 2^64.
 */
import type { MemTxAttrs } from './mem-tx-attrs.ts';
import type { MemTxResult } from './mem-tx-result.ts';

/** Bytes of guest memory, or a copy of what devices answer, between map() and unmap(). */
export interface MemoryMapping {
  /** From the address mapped on; may be fewer than were asked for. */
  readonly bytes: Uint8Array<ArrayBufferLike>;
  readonly isWrite: boolean;
  /** A copy: filled by map() for reads, written back by unmap() for writes. */
  readonly isBounce: boolean;
}

export interface GuestMemory {
  /** MemTxResult of the last access. */
  readonly result: MemTxResult;
  /** Attributes of the accesses that follow. */
  attrs: MemTxAttrs;
  /** `size` bytes at `address`, little-endian, unsigned. */
  read(address: number | bigint, size: 1 | 2 | 4): number;
  write(address: number | bigint, size: 1 | 2 | 4, value: number): void;
  readBig(address: number | bigint): bigint;
  writeBig(address: number | bigint, value: bigint): void;
  readBytes(address: number | bigint, into: Uint8Array): MemTxResult;
  writeBytes(address: number | bigint, from: Uint8Array): MemTxResult;
  /**
   * Bytes at `address` to work on in place, for reads or for writes, never both. They stay valid until unmap(),
   * over any number of callbacks. Null where only a copy would do and the address space has no bytes left for one:
   * registerMapClient() tells when to try again.
   */
  map(address: number | bigint, length: number, isWrite: boolean): MemoryMapping | null;
  /** Ends a mapping; `accessedLength` bytes of one for writes are written back where it was a copy. */
  unmap(mapping: MemoryMapping, accessedLength?: number): MemTxResult;
  /** Calls `callback` once when map() may find bytes for copies: at once if there are. Returns how to take it back. */
  registerMapClient(callback: () => void): () => void;
}
