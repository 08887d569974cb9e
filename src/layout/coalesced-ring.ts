/**
 * The ring of one device: writes to its coalesced ranges, in the order in which they were queued, until
 * somebody who may call the device replays them. A buffer of its own, made when the device first has a range.
 *
 *   word  name          writer    meaning
 *   0     RING_LOCK     queuers   0, or 1 + reader slot of the one that queues: by compareExchange and store; 0 by the control thread once that reader has exited
 *   1     RING_TAIL     queuer    entries queued so far; whoever holds RING_LOCK
 *   16    RING_TAKEN    replayer  entries whose replay was begun
 *   17    RING_HEAD     replayer  entries whose replay is done: their places are free; flushCoalesced() sleeps on it
 *   32    RING_OPEN     control   1 once every thread knows the ring, and until the device's host has died
 *   33    RING_SERVED   home      1 once whoever calls the device replays the ring before each access
 *   48    RING_ENTRIES  queuer    + ringEntryWord(n): entry n, plainly, before RING_TAIL
 *
 * An entry, relative to ringEntryWord(n):
 *
 *   word  name             writer  meaning
 *   0     ENTRY_OFFSET_LO  queuer  offset within the region, lower half
 *   1     ENTRY_OFFSET_HI  queuer  and its upper half
 *   2     ENTRY_VALUE_LO   queuer  value written, lower half
 *   3     ENTRY_VALUE_HI   queuer  and its upper half
 *   4     ENTRY_SIZE       queuer  bytes: 1, 2, 4 or 8
 *   5     ENTRY_ATTRS      queuer  MemTxAttrs
 *   6     ENTRY_SLOT       queuer  reader slot of the thread that wrote
 *
 * The replayer is the thread where the device is homed; of a worker-local device, who holds the device lock.
 * Counts wrap at 2^32; only their differences matter.
 */
export const RING_LOCK = 0;
export const RING_TAIL = 1;
export const RING_TAKEN = 16;
export const RING_HEAD = 17;
export const RING_OPEN = 32;
export const RING_SERVED = 33;
export const RING_ENTRIES = 48;

export const ENTRY_OFFSET_LO = 0;
export const ENTRY_OFFSET_HI = 1;
export const ENTRY_VALUE_LO = 2;
export const ENTRY_VALUE_HI = 3;
export const ENTRY_SIZE = 4;
export const ENTRY_ATTRS = 5;
export const ENTRY_SLOT = 6;

const RING_ENTRY_WORDS = 8;
/** A power of two. */
export const RING_ENTRY_COUNT_MAX = 256;
export const RING_BYTES = 4 * (RING_ENTRIES + RING_ENTRY_COUNT_MAX * RING_ENTRY_WORDS);

/** Where the `n`th entry lies, of all that were ever queued. */
export const ringEntryWord = (n: number): number =>
  RING_ENTRIES + (n & (RING_ENTRY_COUNT_MAX - 1)) * RING_ENTRY_WORDS;
