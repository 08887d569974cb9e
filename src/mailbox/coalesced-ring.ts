/**
 * One thread's end of a device's ring of coalesced writes. Any thread queues; one at a time replays.
 * Guarantee: writes are replayed in the order in which they were queued, each at most once. Where isEmpty is
 * true, the replay of whatever was queued before is over, so an access that follows observes it.
 * Writes: as layout/coalesced-ring.ts says. queue() never waits for anybody: what cannot be queued is for the
 * caller to do directly, which replays what is queued first.
 * Order: test/mailbox/coalesced-interleavings.test.ts walks every order of queuing, replaying and looking.
 */
import type { MemTxAttrs } from '../base/mem-tx-attrs.ts';
import {
  ENTRY_ATTRS,
  ENTRY_OFFSET_HI,
  ENTRY_OFFSET_LO,
  ENTRY_SIZE,
  ENTRY_SLOT,
  ENTRY_VALUE_HI,
  ENTRY_VALUE_LO,
  RING_BYTES,
  RING_ENTRY_COUNT_MAX,
  RING_HEAD,
  RING_LOCK,
  RING_OPEN,
  RING_SERVED,
  RING_TAIL,
  RING_TAKEN,
  ringEntryWord,
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

/** Looks at the lock before a writer does without the ring: some 2 us, many times what queuing takes. */
const SPIN_LOADS = 200;

export class CoalescedRing {
  readonly words: SharedWords;
  private replaying = false;

  constructor(buffer: SharedArrayBuffer) {
    this.words = new Int32Array(buffer);
  }

  /** True if nothing is queued or being replayed. */
  get isEmpty(): boolean {
    // HEAD first: it never passes TAIL, so if TAIL is found equal later, all up to there was done.
    const head = Atomics.load(this.words, RING_HEAD); // pairs with replayAll
    return head === Atomics.load(this.words, RING_TAIL); // pairs with queue
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
    if (Atomics.load(words, RING_OPEN) === 0 || Atomics.load(words, RING_SERVED) === 0) return false;
    let spins = SPIN_LOADS;
    while (Atomics.compareExchange(words, RING_LOCK, 0, slot + 1) !== 0) {
      spins -= 1;
      if (spins === 0) return false;
    }
    const tail = Atomics.load(words, RING_TAIL);
    const hasRoom = ((tail - Atomics.load(words, RING_HEAD)) | 0) < RING_ENTRY_COUNT_MAX; // pairs with replayAll
    if (hasRoom) {
      const entry = ringEntryWord(tail);
      words[entry + ENTRY_OFFSET_LO] = offset | 0;
      words[entry + ENTRY_OFFSET_HI] = (offset / 0x1_0000_0000) | 0;
      words[entry + ENTRY_VALUE_LO] = valueLo;
      words[entry + ENTRY_VALUE_HI] = valueHi;
      words[entry + ENTRY_SIZE] = size;
      words[entry + ENTRY_ATTRS] = attrs;
      words[entry + ENTRY_SLOT] = slot;
      Atomics.store(words, RING_TAIL, (tail + 1) | 0); // pairs with replayAll: publishes the entry
    }
    Atomics.store(words, RING_LOCK, 0); // pairs with the next queuer's compareExchange
    return hasRoom;
  }

  /**
   * Replays what was queued before the call, unless this thread is at it already. To call by the ring's only
   * replayer: in the device's home, or with the device lock held.
   */
  replayAll(replayer: Replayer): void {
    if (this.replaying) return;
    const { words } = this;
    const tail = Atomics.load(words, RING_TAIL); // pairs with queue
    let n = Atomics.load(words, RING_TAKEN);
    if (n !== Atomics.load(words, RING_HEAD)) Atomics.store(words, RING_HEAD, n); // the replayer before us died
    if (n === tail) return;
    this.replaying = true;
    while (n !== tail) {
      const entry = ringEntryWord(n);
      n = (n + 1) | 0;
      Atomics.store(words, RING_TAKEN, n); // before the replay: a replayer that dies leaves none to be done twice
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
      Atomics.store(words, RING_HEAD, n); // after the replay: pairs with isEmpty, and with queue
    }
    this.replaying = false;
    Atomics.notify(words, RING_HEAD); // wakes Coalescing.flush
  }
}

export const createRing = (): SharedArrayBuffer => new SharedArrayBuffer(RING_BYTES);

/** Frees a ring that the reader in `slot` held; its exit must have been confirmed. What it queued whole stays queued. */
export function breakRingLock(words: SharedWords, slot: number): void {
  Atomics.compareExchange(words, RING_LOCK, slot + 1, 0);
}
