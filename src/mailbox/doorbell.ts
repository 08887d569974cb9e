/**
 * A doorbell: what an ioeventfd signals. Any thread rings it; a consumer takes the count, awaits it in its event
 * loop, or blocks on it in a worker.
 * Guarantee: each ring is taken exactly once, by one consumer, and no wake-up is lost; what the ringing thread
 * wrote before is visible to who took the ring. Between two takes 2^32 rings count as none.
 * Writes: DOORBELL_COUNT, DOORBELL_WAITERS.
 * Order: test/mailbox/doorbell-interleavings.test.ts walks every order of ringing, waiting and taking.
 */
import { threadId } from 'node:worker_threads';
import { MemoryError } from '../base/errors.ts';
import type { EventNotifier } from '../base/event-notifier.ts';
import type { DoorbellHandle } from '../layout/attachments.ts';
import type { SharedWords } from '../layout/control-block.ts';
import { DOORBELL_BYTES, DOORBELL_COUNT, DOORBELL_WAITERS } from '../layout/doorbell.ts';

const wordCount = DOORBELL_COUNT; // local names for the hot path
const wordWaiters = DOORBELL_WAITERS;

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
  constructor(handle: DoorbellHandle = { id: nextId(), words: new SharedArrayBuffer(DOORBELL_BYTES) }) {
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

  /** One atomic addition and one load where nobody waits. */
  ring(): void {
    const { words } = this;
    Atomics.add(words, wordCount, 1); // pairs with take
    // A waiter counts itself, then sleeps only while the count is 0: one of the two sees the other.
    if (Atomics.load(words, wordWaiters) !== 0) Atomics.notify(words, wordCount);
  }

  /** Rings since the last take, by whomever; they are the caller's now. */
  take(): number {
    return Atomics.exchange(this.words, wordCount, 0) >>> 0; // pairs with ring
  }

  /**
   * Takes the rings, as soon as there are some; at least 1. Keeps the process alive until then.
   * @param signal ends the wait: next() rejects with its reason, and takes nothing
   */
  async next(signal?: AbortSignal): Promise<number> {
    signal?.throwIfAborted();
    const { words } = this;
    const wake = (): void => void Atomics.notify(words, wordCount);
    const keepAlive = setInterval(() => {}, FOR_EVER_MS); // waitAsync does not
    signal?.addEventListener('abort', wake);
    Atomics.add(words, wordWaiters, 1); // pairs with ring
    try {
      for (;;) {
        signal?.throwIfAborted();
        const count = this.take();
        if (count !== 0) return count;
        const sleep = Atomics.waitAsync(words, wordCount, 0);
        if (sleep.async) await sleep.value;
      }
    } finally {
      Atomics.sub(words, wordWaiters, 1);
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
    Atomics.add(words, wordWaiters, 1); // pairs with ring
    let count = this.take();
    for (let left = timeoutMs; count === 0 && left > 0; left = deadline - performance.now()) {
      Atomics.wait(words, wordCount, 0, left);
      count = this.take(); // another consumer may have been faster
    }
    Atomics.sub(words, wordWaiters, 1);
    return count;
  }
}

function nextId(): number {
  made += 1;
  return threadId * 2 ** 32 + made;
}
