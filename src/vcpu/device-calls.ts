/** How a memory port reaches devices; a vCPU's DeviceTable, or the control thread's own. */
import type { MemTxResult } from '../base/mem-tx-result.ts';

export interface DeviceCalls {
  /** MemTxResult of the last call. */
  result: MemTxResult;
  /** Returns the value, as int32 or unsigned; only its low `size` bytes count. `size` is 1, 2 or 4. */
  read(device: number, offset: number, size: number): number;
  /** `value` is unsigned and below 2^(8 * size). */
  write(device: number, offset: number, value: number, size: number): void;
}
