/** A RAM block as `info ramblock` shows it. */
export interface RamBlockInfo {
  /** Owner's path and region name; unique in a machine. */
  readonly id: string;
  /** Bytes of a page of the backing. */
  readonly pageSizeBytes: number;
  /** RAM address of the block's first byte: a flat space of its own, in which blocks never overlap. */
  readonly offset: bigint;
  /** Bytes in use; less than total where the block is resizable. */
  readonly usedBytes: bigint;
  readonly totalBytes: bigint;
  readonly readonly: boolean;
}
