/**
 * Control block: the buffer that every thread attaches to first. Each word has one line here; offsets
 * appear nowhere else. All words are int32 and, but for the diagnostics, accessed by Atomics only.
 *
 *   word  name                       writer   meaning
 *   0     WORD_MAGIC                 control  CONTROL_MAGIC, checked on attach
 *   1     WORD_LAYOUT_VERSION        control  LAYOUT_VERSION, checked on attach
 *   2     WORD_GENERATION            control  odd; advances by GENERATION_STEP after each publication
 *   16    WORD_HOLDS_ENDED           anyone   Atomics.add at each end of a hold on a view; the control thread sleeps on it
 *   32    WORD_DEVICE_LOCK           anyone   the lock that worker-local devices share: layout/device-lock.ts
 *   52    WORD_DIRTY_EPOCH           anyone   Atomics.add after dirty bits were cleared: armed stores must be dropped
 *   54    WORD_POSTS                 control  how many attachments were posted to all threads, modulo 2^32: layout/attachments.ts
 *   56    WORD_DELTA_COUNT           control  number of the newest delta, modulo 2^32: layout/delta-ring.ts
 *   64    WORD_ROOTS                 control  + address space: arena cell of its published view
 *   1088  WORD_READERS               (below)  + slot * READER_STRIDE_WORDS: a reader's own lines
 *   9792  WORD_MAILBOXES             (below)  + slot * MAILBOX_STRIDE_WORDS: layout/mailbox.ts
 *   18496 WORD_DEVICE_HOSTS          (below)  + host * DEVICE_HOST_STRIDE_WORDS: layout/mailbox.ts
 *   19008 WORD_DELTAS                control  + a delta's place * DELTA_STRIDE_WORDS: layout/delta-ring.ts
 *   19520 WORD_BOUNCE_LIMIT          control  + address space: bytes of bounce buffers that it may have at a time
 *   20544 WORD_BOUNCE_USED           anyone   + address space: bytes that it has; by compareExchange
 *   21568 WORD_READER_HOLDS          (below)  + slot * READER_HOLDS_STRIDE_WORDS: layout/reader-holds.ts
 *
 * A reader's words, relative to readerWord(slot):
 *
 *   word  name                       writer   meaning
 *   0     READER_ANNOUNCED           reader   generation announced, or GENERATION_OFFLINE; control once the thread has exited
 *   1     READER_AWAITED             control  1 while the control thread sleeps on READER_ANNOUNCED
 *   2     READER_RUN_STATE           control  RUN_STATE_*: what the vCPU shall do
 *   3     READER_INTERRUPTS          anyone   Atomics.add; waitForInterrupt() sleeps on it
 *   4     READER_PHASE               reader   PHASE_*: what the vCPU does; diagnostics
 *   5     READER_BEAT                reader   checkpoints that announced a generation; diagnostics
 *   6     READER_KICK                control  1 while a grace period has waited long for this reader: pass a checkpoint soon
 *   7     READER_MAP_CLIENTS         reader   how many of its map clients wait for bounce bytes
 *   8     READER_DIRTY_EPOCH         reader   WORD_DIRTY_EPOCH when it last dropped its armed stores
 *   9     READER_WAITS               reader   odd from when it waited inside an access, for a device or its lock, to its next checkpoint; modulo 2^32
 *
 * Invariant: a word has one writing thread for as long as the block lives, except where its row names a
 * protocol. A thread's words are written by the control thread after that thread's exit was confirmed.
 */
import { sharedBuffer } from '../base/shared-memory.ts';

export type SharedWords = Int32Array<SharedArrayBuffer>;

export const CONTROL_MAGIC = 0x464c5456; // "FLTV"
export const LAYOUT_VERSION = 3;

export const WORD_MAGIC = 0;
export const WORD_LAYOUT_VERSION = 1;
export const WORD_GENERATION = 2;
export const WORD_HOLDS_ENDED = 16;
export const WORD_DEVICE_LOCK = 32; // a cache line of its own
export const WORD_DIRTY_EPOCH = 52; // with the next two in one line: readers load them at the same points
export const WORD_POSTS = 54;
export const WORD_DELTA_COUNT = 56;
export const WORD_ROOTS = 64;
export const WORD_READERS = 1088;
export const WORD_MAILBOXES = 9792;
export const WORD_DEVICE_HOSTS = 18496;
export const WORD_DELTAS = 19008;
export const WORD_BOUNCE_LIMIT = 19520;
export const WORD_BOUNCE_USED = 20544;
export const WORD_READER_HOLDS = 21568;

export const READER_ANNOUNCED = 0;
export const READER_AWAITED = 1;
export const READER_RUN_STATE = 2;
export const READER_INTERRUPTS = 3;
export const READER_PHASE = 4;
export const READER_BEAT = 5;
export const READER_KICK = 6;
export const READER_MAP_CLIENTS = 7;
export const READER_DIRTY_EPOCH = 8;
export const READER_WAITS = 9;

export const ADDRESS_SPACE_COUNT_MAX = 1024;
/** vCPUs: the first reader slots. */
export const VCPU_COUNT_MAX = 256;
export const DEVICE_HOST_COUNT_MAX = 16;
/** Reader slots: those of vCPUs, then one of each device host, the control thread's first. */
export const READER_COUNT_MAX = 272;
export const READER_STRIDE_WORDS = 32; // 128 bytes: a line and its prefetched neighbour
export const MAILBOX_STRIDE_WORDS = 32;
export const DEVICE_HOST_STRIDE_WORDS = 32;
export const READER_HOLDS_STRIDE_WORDS = 64;
export const CONTROL_BLOCK_BYTES = 4 * (WORD_READER_HOLDS + READER_COUNT_MAX * READER_HOLDS_STRIDE_WORDS);

/** Generations are odd, so a wrapped one is never GENERATION_OFFLINE. */
export const GENERATION_FIRST = 1;
export const GENERATION_STEP = 2;
export const GENERATION_OFFLINE = 0;

export const RUN_STATE_RUN = 0;
export const RUN_STATE_PAUSE = 1;
export const RUN_STATE_STOP = 2;

export const PHASE_NEVER_STARTED = 0;
export const PHASE_RUNNING = 1;
export const PHASE_PAUSED = 2;
export const PHASE_WAITING_FOR_INTERRUPT = 3;
export const PHASE_WAITING_FOR_DEVICE = 4;
export const PHASE_FINISHED = 5;

export const rootWord = (addressSpace: number): number => WORD_ROOTS + addressSpace;
export const readerWord = (slot: number): number => WORD_READERS + slot * READER_STRIDE_WORDS;
export const mailboxWord = (slot: number): number => WORD_MAILBOXES + slot * MAILBOX_STRIDE_WORDS;
export const readerHoldsWord = (slot: number): number => WORD_READER_HOLDS + slot * READER_HOLDS_STRIDE_WORDS;
export const bounceLimitWord = (addressSpace: number): number => WORD_BOUNCE_LIMIT + addressSpace;
export const bounceUsedWord = (addressSpace: number): number => WORD_BOUNCE_USED + addressSpace;
export const deviceHostWord = (host: number): number => WORD_DEVICE_HOSTS + host * DEVICE_HOST_STRIDE_WORDS;

/** The reader slot by which device host `host` accesses memory. */
export const hostReaderSlot = (host: number): number => VCPU_COUNT_MAX + host;

/** True if a reader that announced `announced` holds nothing that was retired under `generation`. */
export const generationReached = (announced: number, generation: number): boolean =>
  announced === GENERATION_OFFLINE || ((announced - generation) | 0) >= 0;

/** What QEMU gives an address space. */
export const BOUNCE_BYTES_DEFAULT = 4096;

/** A fresh control block: all readers offline, no view published yet. */
export function createControlBlock(bounceBytesMax: number = BOUNCE_BYTES_DEFAULT): SharedWords {
  const words = new Int32Array(sharedBuffer(CONTROL_BLOCK_BYTES));
  words[WORD_MAGIC] = CONTROL_MAGIC;
  words[WORD_LAYOUT_VERSION] = LAYOUT_VERSION;
  words[WORD_GENERATION] = GENERATION_FIRST;
  words.fill(bounceBytesMax, WORD_BOUNCE_LIMIT, WORD_BOUNCE_LIMIT + ADDRESS_SPACE_COUNT_MAX);
  return words;
}
