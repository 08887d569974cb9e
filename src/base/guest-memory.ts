/**
 * An address space as whoever masters the bus sees it: the part of a memory port that devices use. Addresses
 * are exact: numbers below 2^53, or bigints below 2^64.
 */
import type { MemTxAttrs } from './mem-tx-attrs.ts';
import type { MemTxResult } from './mem-tx-result.ts';

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
}
