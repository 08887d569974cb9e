/**
 * A doorbell: what an ioeventfd signals. Any thread rings it; a consumer takes the count, awaits it in its event
 * loop, or blocks on it in a worker.
 * Guarantee: each ring is taken exactly once, by one consumer, and no wake-up is lost; what the ringing thread
 * wrote before is visible to who took the ring. Between two takes 2^31 rings count as none.
 * Writes: DOORBELL_RINGS. Whoever takes AWAITED out of it notifies afterwards, and who still sleeps marks it anew.
 * Order: test/mailbox/doorbell-interleavings.test.ts walks every order of ringing, waiting and taking.
 */
import { threadId } from 'node:worker_threads';
import { MemoryError } from '../base/errors.ts';
import type { EventNotifier } from '../base/event-notifier.ts';
import { sharedBuffer } from '../base/shared-memory.ts';
import type { DoorbellHandle } from '../layout/attachments.ts';
import type { SharedWords } from '../layout/control-block.ts';
import {
  DOORBELL_AWAITED,
  DOORBELL_BYTES,
  DOORBELL_RINGS,
  RING_STEP,
  ringCount,
} from '../layout/doorbell.ts';

const rings = DOORBELL_RINGS; // local names for the hot path
const awaited = DOORBELL_AWAITED;
const step = RING_STEP;

/** Longest time that setInterval takes: only there to keep a process alive. */
const FOR_EVER_MS = 0x7fffffff;

let made = 0;

export class Doorbell implements EventNotifier {
  /** Unique in the process, whichever thread made it. */
  readonly id: number;
  private readonly words: SharedWords;

  constructor();
  /** Another thread's end of a doorbell; Doorbell.from() is the way to it. */
  constructor(handle: DoorbellHandle);
  constructor(handle: DoorbellHandle = { id: nextId(), words: sharedBuffer(DOORBELL_BYTES) }) {
    this.id = handle.id;
    this.words = new Int32Array(handle.words);
  }

  /**
   * The same doorbell in the thread that `handle` was posted to.
   * @throws MemoryError INVALID_ARGUMENT for what is no handle
   */
  static from(handle: DoorbellHandle): Doorbell {
    const words: unknown = handle?.words;
    if (!(words instanceof SharedArrayBuffer) || words.byteLength !== DOORBELL_BYTES) {
      throw new MemoryError(
        'INVALID_ARGUMENT',
        'Doorbell.from() takes the handle of a doorbell: post doorbell.handle, not the doorbell',
      );
    }
    return new Doorbell(handle);
  }

  get handle(): DoorbellHandle {
    return { id: this.id, words: this.words.buffer };
  }

  /** One atomic addition where nobody waits. */
  ring(): void {
    const { words } = this;
    // Who sleeps has marked the word: what was there before says whether to wake.
    if ((Atomics.add(words, rings, step) & awaited) !== 0) Atomics.notify(words, rings); // pairs with take, takeOrMark
  }

  /** Rings since the last take, by whomever; they are the caller's now. */
  take(): number {
    const { words } = this;
    if (ringCount(Atomics.load(words, rings)) === 0) return 0; // a mark stays
    const found = Atomics.exchange(words, rings, 0); // pairs with ring
    if ((found & awaited) !== 0) Atomics.notify(words, rings); // who still sleeps has to mark the word anew
    return ringCount(found);
  }

  /**
   * Takes the rings, as soon as there are some; at least 1. Keeps the process alive until then.
   * @param signal ends the wait: next() rejects with its reason, and takes nothing
   */
  async next(signal?: AbortSignal): Promise<number> {
    signal?.throwIfAborted();
    const { words } = this;
    const wake = (): void => void Atomics.notify(words, rings);
    const keepAlive = setInterval(() => {}, FOR_EVER_MS); // waitAsync does not
    signal?.addEventListener('abort', wake);
    try {
      for (;;) {
        signal?.throwIfAborted();
        const count = this.takeOrMark();
        if (count !== 0) return count;
        const sleep = Atomics.waitAsync(words, rings, awaited);
        if (sleep.async) await sleep.value;
      }
    } finally {
      signal?.removeEventListener('abort', wake);
      clearInterval(keepAlive);
    }
  }

  /**
   * Blocks the thread until there are rings, and takes them; for a worker that serves nothing else.
   * @returns 0 if none came within `timeoutMs`
   */
  wait(timeoutMs: number = Number.POSITIVE_INFINITY): number {
    const { words } = this;
    const deadline = performance.now() + timeoutMs;
    let count = this.takeOrMark();
    for (let left = timeoutMs; count === 0 && left > 0; left = deadline - performance.now()) {
      Atomics.wait(words, rings, awaited, left);
      count = this.takeOrMark(); // another consumer may have been faster
    }
    return count;
  }

  /** take(); where there is nothing, 0, and the word says that somebody may sleep while it is DOORBELL_AWAITED. */
  private takeOrMark(): number {
    let count = 0;
    // By compare, not by exchange: of two that wait each would take away the other's mark, and wake it, for ever.
    while (count === 0 && ringCount(Atomics.compareExchange(this.words, rings, 0, awaited)) !== 0)
      count = this.take();
    return count;
  }
}

function nextId(): number {
  made += 1;
  return threadId * 2 ** 32 + made;
}
