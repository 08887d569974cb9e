/**
 * Accesses on their way from the service to a vCPU, and their answers on the way back: one ring of records in
 * shared memory for each vCPU. A batch is a record that heads it, then one record an access; its answers take
 * the place of what was asked. One thread posts, one serves, and neither takes a lock.
 *
 *   word  name             writer   meaning
 *   0     RING_POSTED      control  records posted, modulo 2^32; moves by whole batches
 *   32    RING_SERVED      vCPU     records served, modulo 2^32; their answers are there
 *   33    RING_DOZING      vCPU     1 from before it looks for the last time until it is awake again: ring for it
 *   34    RING_ACCESSES    vCPU     accesses served, modulo 2^32; for gauges, as are the next two
 *   35    RING_FAILURES    vCPU     those whose result was not MEMTX_OK
 *   36    RING_WALKS       vCPU     those that no TLB knew: MemoryPort.walks of all ports
 *   64    RING_AWAITED     control  1 while it sleeps on RING_SERVED
 *   96    RING_RECORDS     (below)  + (number & RECORD_MASK) * RECORD_WORDS
 *
 * The record that heads a batch. Control writes records before it posts them, the vCPU until it has served them.
 *
 *   word  name             writer   meaning
 *   0     BATCH_COUNT      control  accesses that follow
 *   1     BATCH_SPACE      control  number of the address space: Machine.indexOf
 *   2     BATCH_LAYOUT     vCPU     layoutTag of the view that answered all of it
 *
 * An access.
 *
 *   word  name             writer   meaning
 *   0     ACCESS_KIND      control  OPERATION_* | bytes << ACCESS_SIZE_SHIFT
 *   1     ACCESS_HI        control  upper half of the address
 *   2     ACCESS_LO        control  lower half
 *   3     ACCESS_VALUE_HI  both     upper half of the value: what is stored, then what was loaded
 *   4     ACCESS_VALUE_LO  both     lower half
 *   5     ACCESS_RESULT    vCPU     MemTxResult
 */
import type { SharedWords } from '../layout/control-block.ts';

export const RING_POSTED = 0;
export const RING_SERVED = 32;
export const RING_DOZING = 33;
export const RING_ACCESSES = 34;
export const RING_FAILURES = 35;
export const RING_WALKS = 36;
export const RING_AWAITED = 64;
export const RING_RECORDS = 96;

export const BATCH_COUNT = 0;
export const BATCH_SPACE = 1;
export const BATCH_LAYOUT = 2;

export const ACCESS_KIND = 0;
export const ACCESS_HI = 1;
export const ACCESS_LO = 2;
export const ACCESS_VALUE_HI = 3;
export const ACCESS_VALUE_LO = 4;
export const ACCESS_RESULT = 5;

export const OPERATION_LOAD = 0;
export const OPERATION_STORE = 1;
/** Fetch and add, sequentially consistent, of 4 or 8 aligned bytes of RAM. */
export const OPERATION_ADD = 2;
export const OPERATION_MASK = 3;
export const ACCESS_SIZE_SHIFT = 2;

const RECORD_SHIFT = 3;
const RECORD_WORDS = 1 << RECORD_SHIFT;
export const RECORD_COUNT = 1 << 14;
const RECORD_MASK = RECORD_COUNT - 1;

/** First word of the record of that number. */
export const recordWord = (number: number): number => RING_RECORDS + ((number & RECORD_MASK) << RECORD_SHIFT);

export const createRing = (): SharedWords =>
  new Int32Array(new SharedArrayBuffer(4 * (RING_RECORDS + RECORD_COUNT * RECORD_WORDS)));
