/**
 * The lock that worker-local devices share unless they opt out, as QEMU's devices share its big lock.
 * Guarantee: one vCPU at a time is between the outermost acquire() and its release(). Nested acquire()
 * only counts: a device may access memory that leads to a device under the same lock.
 * Writes: WORD_DEVICE_LOCK from 0 to 1 + slot and back, by compareExchange and store;
 * WORD_DEVICE_LOCK_WAITERS by add and sub.
 * Order: test/vcpu/device-lock.test.ts walks every order of two holders.
 *
 * A vCPU that dies as a waiter leaves WAITERS one too high: each release then pays one useless notify.
 */
import { assert } from '../base/assert.ts';
import {
  PHASE_WAITING_FOR_DEVICE,
  type SharedWords,
  WORD_DEVICE_LOCK,
  WORD_DEVICE_LOCK_WAITERS,
} from '../layout/control-block.ts';
import type { ReaderSession } from './reader-session.ts';

/** About 10 us at 10 ns a load: a register access under the lock takes far less, a sleep more. */
const SPIN_LOADS = 1000;

const wordLock = WORD_DEVICE_LOCK;
const wordWaiters = WORD_DEVICE_LOCK_WAITERS;

export class DeviceLock {
  private readonly words: SharedWords;
  private readonly owner: number;
  private readonly session: ReaderSession;
  private depth = 0;
  /** After which acquire() gives up: for the control thread, which learns of a holder's death by its event loop. */
  patienceMs = Number.POSITIVE_INFINITY;

  constructor(words: SharedWords, session: ReaderSession) {
    this.words = words;
    this.owner = session.reader.slot + 1;
    this.session = session;
  }

  get isHeld(): boolean {
    return this.depth > 0;
  }

  /** False if it was not to be had within `patienceMs`: then there is nothing to release. */
  acquire(): boolean {
    const isTaken =
      this.depth > 0 ||
      Atomics.compareExchange(this.words, wordLock, 0, this.owner) === 0 ||
      this.acquireContended();
    if (isTaken) this.depth += 1;
    return isTaken;
  }

  release(): void {
    assert(this.depth > 0, 'the device lock is held when it is released');
    this.depth -= 1;
    if (this.depth !== 0) return;
    Atomics.store(this.words, wordLock, 0); // pairs with the compare in acquireContended's wait
    // A waiter counts itself, then sleeps only if the lock has not moved: no wake-up is lost.
    if (Atomics.load(this.words, wordWaiters) !== 0) Atomics.notify(this.words, wordLock, 1);
  }

  private acquireContended(): boolean {
    const words = this.words;
    for (let spins = SPIN_LOADS; spins > 0; spins -= 1) {
      if (Atomics.load(words, wordLock) !== 0) continue;
      if (Atomics.compareExchange(words, wordLock, 0, this.owner) === 0) return true;
    }
    this.session.detach(PHASE_WAITING_FOR_DEVICE);
    Atomics.add(words, wordWaiters, 1); // pairs with release
    let holder: number;
    for (;;) {
      holder = Atomics.compareExchange(words, wordLock, 0, this.owner);
      if (holder === 0 || Atomics.wait(words, wordLock, holder, this.patienceMs) === 'timed-out') break;
    }
    Atomics.sub(words, wordWaiters, 1);
    this.session.attach();
    return holder === 0;
  }
}

/**
 * Frees the lock if the reader in `slot` holds it, and wakes all who wait, for the dead one may have taken
 * a wake-up with it. Control thread only, after that reader's exit was confirmed.
 */
export function breakDeviceLock(words: SharedWords, slot: number): boolean {
  const wasHeld = Atomics.compareExchange(words, wordLock, slot + 1, 0) === slot + 1;
  Atomics.notify(words, wordLock);
  return wasHeld;
}
