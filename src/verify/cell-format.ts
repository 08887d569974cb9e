/**
 * What the verifying workload writes into guest memory and expects to read there. Shared by the control
 * thread, which works out the expectations, and by vCPUs and probe devices, which meet them.
 *
 *   guest word      bits 0-14   tag: whose word this is. Bit 14 is set in a device's answer
 *                   bits 15-31  version: how often its one writer has written it
 *   expectation     bits 0-15   cell
 *                   bits 16-    CLASS_*: what kind of answer is due
 *   cell            word 0      CELL_TAG: tag that a read finds
 *                   word 1      CELL_WRITE_TAG: tag that a write must carry
 *                   word 2      CELL_SLOT: where each vCPU keeps the version it saw last
 *                   word 3      CELL_OWNER: the one vCPU that writes it
 */
import type { SharedWords } from '../layout/control-block.ts';

export const TAG_MASK = 0x7fff;
export const VERSION_SHIFT = 15;
export const VERSION_MASK = 0x1ffff;
/** Shifts a difference of versions so that its sign is that of the shorter way round. */
export const VERSION_SIGN_SHIFT = 32 - 17;
/** How often a word may be written in one era: three eras stay below half of all versions. */
export const VERSIONS_PER_ERA = 0x4000;
/** Set in the tags of devices, clear in those of memory. */
export const DEVICE_TAG_BIT = 0x4000;
/** Memory tags are 1 to this. */
export const MEMORY_TAG_MAX = 0x3fff;

export const CELL_TAG = 0;
export const CELL_WRITE_TAG = 1;
export const CELL_SLOT = 2;
export const CELL_OWNER = 3;
export const CELL_STRIDE_WORDS = 4;
export const CELL_COUNT_MAX = 0x10000;

/** Not accessed in this state: the bytes of the access do not have one answer. */
export const CLASS_SKIP = 0;
/** Nothing answers: reads give 0, all give MEMTX_DECODE_ERROR. */
export const CLASS_HOLE = 1;
export const CLASS_RAM = 2;
/** Reads find memory; writes are dropped without a fault. */
export const CLASS_ROM = 3;
export const CLASS_DEVICE = 4;
/** Reads reach the device; writes are dropped without a fault. */
export const CLASS_DEVICE_READONLY = 5;
/** A ROM device in ROM mode: reads find memory, writes reach the device. */
export const CLASS_ROM_DEVICE = 6;

const CLASS_SHIFT = 16;
const CELL_MASK = 0xffff;

export const entryFrom = (cell: number, kind: number): number => (kind << CLASS_SHIFT) | cell;
export const classOf = (entry: number): number => entry >>> CLASS_SHIFT;
export const cellOf = (entry: number): number => entry & CELL_MASK;

/** Registers of a probe device: offset 4 * n is register n modulo this. */
export const REGISTER_COUNT = 8;
export const registerAt = (offset: number): number => (offset % (4 * REGISTER_COUNT)) >>> 2;

/** The tag with which device number `probe` answers at `offset`, which is below 2^53. */
export function deviceTag(probe: number, offset: number): number {
  const upper = Math.floor(offset / 2 ** 32) | 0;
  let mixed =
    Math.imul(probe + 1, 0x9e3779b1) ^ Math.imul(offset | 0, 0x85ebca6b) ^ Math.imul(upper, 0xc2b2ae35);
  mixed ^= mixed >>> 15;
  mixed = Math.imul(mixed, 0x2c1b3c6d);
  return DEVICE_TAG_BIT | ((mixed ^ (mixed >>> 13)) & (DEVICE_TAG_BIT - 1));
}

/** What every verifying vCPU is given. */
export interface SharedCells {
  /** CELL_STRIDE_WORDS a cell; control thread writes, before the first expectation that names it. */
  readonly cells: SharedWords;
  /** `slotCount` words for each vCPU, written by it: the versions it saw last. */
  readonly versions: SharedWords;
  readonly slotCount: number;
  readonly vcpuCount: number;
}
