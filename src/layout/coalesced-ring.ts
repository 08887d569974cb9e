/**
 * The ring of one device: writes to its coalesced ranges, in the order in which they were queued, until
 * somebody who may call the device replays them. A buffer of its own, made when the device first has a range.
 *
 *   word  name            writer    meaning
 *   0     RING_STATE      anyone    who queues, how many entries were queued, whether it takes any: see below
 *   1     RING_HEAD_SEEN  queuer    RING_HEAD as a queuer last saw it: the ring has room up to there; plainly, who holds the ring
 *   16    RING_TAKEN      replayer  entries whose replay was begun; plainly: who reads it saw the replayer before go
 *   17    RING_HEAD       replayer  entries up to which replay is done: their places are free; flushCoalesced() sleeps on it
 *   32    RING_ENTRIES    queuer    + ringEntryWord(n): entry n, plainly, before RING_STATE counts it
 *
 * RING_STATE, whose changes are read-modify-write operations, so that none undoes another:
 *
 *   bits   changed by                            meaning
 *   0-20   queuer, by add when it gives back     entries queued so far, modulo 2^21
 *   21-29  queuer, by compareExchange and add    0, or 1 + reader slot of the one that queues; 0 by the control thread once that reader has exited
 *   30     control                               RING_UNKNOWN: some thread does not know the ring, or the device's host has died
 *   31     home                                  RING_UNSERVED: who calls the device does not replay the ring before each access
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
 * RING_TAKEN and RING_HEAD wrap at 2^32; only differences matter.
 */
export const RING_STATE = 0;
export const RING_HEAD_SEEN = 1;
export const RING_TAKEN = 16;
export const RING_HEAD = 17;
export const RING_ENTRIES = 32;

export const ENTRY_OFFSET_LO = 0;
export const ENTRY_OFFSET_HI = 1;
export const ENTRY_VALUE_LO = 2;
export const ENTRY_VALUE_HI = 3;
export const ENTRY_SIZE = 4;
export const ENTRY_ATTRS = 5;
export const ENTRY_SLOT = 6;

export const RING_UNKNOWN = 1 << 30;
export const RING_UNSERVED = 1 << 31;

const HOLDER_SHIFT = 21;
const COUNT_MASK = (1 << HOLDER_SHIFT) - 1;
/** To `and` with: nobody queues. */
export const WITHOUT_HOLDER = ~(0x1ff << HOLDER_SHIFT);

/** Entries queued so far, modulo 2^21. Of an open ring in which nobody queues it is the whole state. */
export const queuedCount = (state: number): number => state & COUNT_MASK;
/** The state of an open ring with `count` entries queued while the reader in `slot` queues. */
export const heldState = (count: number, slot: number): number => count | ((slot + 1) << HOLDER_SHIFT);
/** Whether the reader in `slot` queues. */
export const isHeldBy = (state: number, slot: number): boolean =>
  (state & ~WITHOUT_HOLDER) === heldState(0, slot);
export const takesWrites = (state: number): boolean => (state & (RING_UNKNOWN | RING_UNSERVED)) === 0;
/** Entries that were queued in `state` after the first `count`, of which there are no more than the ring holds. */
export const queuedSince = (state: number, count: number): number => (state - count) & COUNT_MASK;
export const nextCount = (count: number): number => (count + 1) & COUNT_MASK;

const RING_ENTRY_WORDS = 8;
/** A power of two. */
export const RING_ENTRY_COUNT_MAX = 256;
export const RING_BYTES = 4 * (RING_ENTRIES + RING_ENTRY_COUNT_MAX * RING_ENTRY_WORDS);

/** Where the `n`th entry lies, of all that were ever queued. */
export const ringEntryWord = (n: number): number =>
  RING_ENTRIES + (n & (RING_ENTRY_COUNT_MAX - 1)) * RING_ENTRY_WORDS;
