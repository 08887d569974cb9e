/** How a memory port reaches devices: the DeviceTable of its thread. */
import type { MemTxAttrs } from '../base/mem-tx-attrs.ts';
import type { MemTxResult } from '../base/mem-tx-result.ts';

export interface DeviceCalls {
  /** MemTxResult of the last call. */
  result: MemTxResult;
  /** Upper half of the value of the last read() of 8 bytes. */
  high: number;
  /**
   * Returns the low `size` bytes of the value, 1 to 8: zero-extended, as int32 where `size` is 4 or more.
   * `offset` is a multiple of `size`, unless the device takesUnaligned().
   */
  read(device: number, offset: number, size: number, attrs: MemTxAttrs): number;
  /** `valueLo` is below 2^(8 * size), and unsigned where `size` is at most 4. */
  write(
    device: number,
    offset: number,
    size: number,
    valueLo: number,
    valueHi: number,
    attrs: MemTxAttrs,
  ): void;
  /** Whether the guest's unaligned accesses go to the device whole. */
  takesUnaligned(device: number): boolean;
  /** Bytes of the next access of a bulk copy that has `left` bytes to go from `offset` on: spec 7.8. */
  bulkSize(device: number, offset: number, left: number): number;
  /** Whether the device would take such an access. */
  accepts(device: number, offset: number, size: number, isWrite: boolean, attrs: MemTxAttrs): boolean;
}
