/**
 * One thread's end of a device's ring of coalesced writes. Any thread queues; one at a time replays.
 * Guarantee: writes are replayed in the order in which they were queued, each at most once. Where isEmpty is
 * true, the replay of whatever was queued before is over, so an access that follows observes it.
 * Writes: as layout/coalesced-ring.ts says. queue() never waits for anybody: what cannot be queued is for the
 * caller to do directly, which replays what is queued first.
 * Order: test/mailbox/coalesced-interleavings.test.ts walks every order of queuing, replaying and looking.
 */
import type { MemTxAttrs } from '../base/mem-tx-attrs.ts';
import { sharedBuffer } from '../base/shared-memory.ts';
import {
  ENTRY_ATTRS,
  ENTRY_OFFSET_HI,
  ENTRY_OFFSET_LO,
  ENTRY_SIZE,
  ENTRY_SLOT,
  ENTRY_VALUE_HI,
  ENTRY_VALUE_LO,
  heldState,
  isHeldBy,
  nextCount,
  queuedCount,
  queuedSince,
  RING_BYTES,
  RING_ENTRY_COUNT_MAX,
  RING_HEAD,
  RING_HEAD_SEEN,
  RING_STATE,
  RING_TAKEN,
  RING_UNKNOWN,
  RING_UNSERVED,
  ringEntryWord,
  takesWrites,
  WITHOUT_HOLDER,
} from '../layout/coalesced-ring.ts';
import type { SharedWords } from '../layout/control-block.ts';

/** Performs a write that was queued; it never throws. */
export interface Replayer {
  /** @param slot reader slot of the thread that wrote. The rest as DeviceCalls.write. */
  replay(
    slot: number,
    offset: number,
    size: number,
    valueLo: number,
    valueHi: number,
    attrs: MemTxAttrs,
  ): void;
}

/** Looks at a held ring before a writer does without it: some 2 us, many times what queuing takes. */
const SPIN_LOADS = 200;
/** Entries that are replayed before their places are given back. */
const REPLAY_BATCH = 64;
/** Of so many entries the last asks for a replay: while those are replayed, there is room for as many. */
const WRITES_A_BELL = RING_ENTRY_COUNT_MAX / 2;

const ringState = RING_STATE; // local names for the hot path
const headSeen = RING_HEAD_SEEN;
const entryCountMax = RING_ENTRY_COUNT_MAX;
const held = heldState;
const next = nextCount;
const since = queuedSince;
const entryWord = ringEntryWord;

export class CoalescedRing {
  readonly words: SharedWords;
  private replaying = false;
  /** RING_STATE of a ring that is open and free, if no other thread has queued since this one last did. */
  private expected = 0;

  constructor(buffer: SharedArrayBuffer) {
    this.words = new Int32Array(buffer);
  }

  /** True if nothing is queued or being replayed. */
  get isEmpty(): boolean {
    // HEAD first: it never passes what is queued, so if that is found equal later, all up to there was done.
    const head = Atomics.load(this.words, RING_HEAD); // pairs with replayAll
    return since(Atomics.load(this.words, ringState), head) === 0; // pairs with queue
  }

  /** RING_HEAD once everything is replayed that was queued before. */
  get headWhenDone(): number {
    const head = Atomics.load(this.words, RING_HEAD); // before the state, as in isEmpty
    return (head + since(Atomics.load(this.words, ringState), head)) | 0;
  }

  /** Whether the write queued last is one of those after which the ring is due to be replayed. */
  get isDue(): boolean {
    return (this.expected & (WRITES_A_BELL - 1)) === 0;
  }

  /** False if the write must be made directly: the ring is not open, full, or another thread holds it for long. */
  queue(
    slot: number,
    offset: number,
    size: number,
    valueLo: number,
    valueHi: number,
    attrs: MemTxAttrs,
  ): boolean {
    const { words } = this;
    let count = this.expected;
    // pairs with whoever gave it back: that this succeeds says that the ring is open, free, and how far it is
    if (Atomics.compareExchange(words, ringState, count, held(count, slot)) !== count) {
      count = this.hold(slot);
      if (count < 0) return false;
    }
    const hasRoom = since(count, words[headSeen]!) < entryCountMax || this.seesRoom(count);
    const after = hasRoom ? next(count) : count;
    if (hasRoom) {
      const entry = entryWord(count);
      words[entry + ENTRY_OFFSET_LO] = offset | 0;
      words[entry + ENTRY_OFFSET_HI] = (offset / 0x1_0000_0000) | 0;
      words[entry + ENTRY_VALUE_LO] = valueLo;
      words[entry + ENTRY_VALUE_HI] = valueHi;
      words[entry + ENTRY_SIZE] = size;
      words[entry + ENTRY_ATTRS] = attrs;
      words[entry + ENTRY_SLOT] = slot;
    }
    // Publishes the entry and gives back, in one: pairs with replayAll and the next queuer. An addition, for the ring
    // may be closed meanwhile.
    Atomics.add(words, ringState, after - held(count, slot));
    this.expected = after;
    return hasRoom;
  }

  /**
   * Replays what was queued before the call, unless this thread is at it already. To call by the ring's only
   * replayer: in the device's home, or with the device lock held.
   */
  replayAll(replayer: Replayer): void {
    if (this.replaying) return;
    const { words } = this;
    let n = words[RING_TAKEN]!;
    if (n !== Atomics.load(words, RING_HEAD)) Atomics.store(words, RING_HEAD, n); // the replayer before us died
    let left = since(Atomics.load(words, ringState), n); // pairs with queue
    if (left === 0) return;
    this.replaying = true;
    while (left > 0) {
      const entry = entryWord(n);
      n = (n + 1) | 0;
      left -= 1;
      words[RING_TAKEN] = n; // before the replay: a replayer that dies leaves none to be done twice
      const offset =
        (words[entry + ENTRY_OFFSET_HI]! >>> 0) * 0x1_0000_0000 + (words[entry + ENTRY_OFFSET_LO]! >>> 0);
      const size = words[entry + ENTRY_SIZE]!;
      const valueLo = words[entry + ENTRY_VALUE_LO]!;
      replayer.replay(
        words[entry + ENTRY_SLOT]!,
        offset,
        size,
        size >= 4 ? valueLo >>> 0 : valueLo,
        words[entry + ENTRY_VALUE_HI]!,
        words[entry + ENTRY_ATTRS]!,
      );
      // After the replay: pairs with isEmpty, and with queue.
      if (left % REPLAY_BATCH === 0) Atomics.store(words, RING_HEAD, n);
    }
    this.replaying = false;
    Atomics.notify(words, RING_HEAD); // wakes Coalescing.flush
  }

  /** Holds the ring, and returns how many entries were queued; -1 if it is not open, or held for long. */
  private hold(slot: number): number {
    const { words } = this;
    for (let spins = SPIN_LOADS; spins > 0; spins -= 1) {
      const state = Atomics.load(words, ringState);
      if (!takesWrites(state)) return -1;
      const count = queuedCount(state);
      if (state === count && Atomics.compareExchange(words, ringState, count, held(count, slot)) === count)
        return count;
    }
    return -1;
  }

  /** Whether there is room after `count` entries, by what the replayer has done by now; in a ring that is held. */
  private seesRoom(count: number): boolean {
    const head = Atomics.load(this.words, RING_HEAD); // pairs with replayAll
    this.words[headSeen] = head; // plainly: read by who holds the ring after us
    return since(count, head) < entryCountMax;
  }
}

/** It takes no writes before it is both open and served. */
export function createRing(): SharedArrayBuffer {
  const buffer = sharedBuffer(RING_BYTES);
  new Int32Array(buffer)[RING_STATE] = RING_UNKNOWN | RING_UNSERVED;
  return buffer;
}

/** Every thread knows the ring. Pairs with CoalescedRing.queue, as the next two. */
export function openRing(words: SharedWords): void {
  Atomics.and(words, RING_STATE, ~RING_UNKNOWN);
}

/** Whoever calls the device replays the ring before each access. */
export function serveRing(words: SharedWords): void {
  Atomics.and(words, RING_STATE, ~RING_UNSERVED);
}

/** No write is queued any more, but for one whose queuer holds the ring now. */
export function closeRing(words: SharedWords): void {
  Atomics.or(words, RING_STATE, RING_UNKNOWN);
}

/** Frees a ring that the reader in `slot` held; its exit must have been confirmed. What it queued whole stays queued. */
export function breakRingLock(words: SharedWords, slot: number): void {
  // Nobody else changes who holds it: the holder is gone, and others wait or pass by.
  if (isHeldBy(Atomics.load(words, RING_STATE), slot)) Atomics.and(words, RING_STATE, WITHOUT_HOLDER);
}
