/**
 * The lock that worker-local devices share unless they opt out, as QEMU's devices share its big lock.
 * Guarantee: one vCPU at a time is between the outermost acquire() and its release(). Nested acquire()
 * only counts: a device may access memory that leads to a device under the same lock.
 * Writes: the lock's word, as layout/device-lock.ts says.
 * Order: test/vcpu/device-lock.test.ts walks every order of two holders, and of two who sleep.
 *
 * Each operation of Atomics costs some 10 ns, so there are two a pair: what a holder must know of waiters stands in
 * the word that it gives back.
 */
import { assert } from '../base/assert.ts';
import { PHASE_WAITING_FOR_DEVICE, type SharedWords, WORD_DEVICE_LOCK } from '../layout/control-block.ts';
import { heldBy, LOCK_AWAITED, LOCK_FREE, lockHolder } from '../layout/device-lock.ts';
import type { ReaderSession } from './reader-session.ts';

/** About 10 us at 10 ns a load: a register access under the lock takes far less, a sleep more. */
const SPIN_LOADS = 1000;

const wordLock = WORD_DEVICE_LOCK; // local names for the hot path
const free = LOCK_FREE;

export class DeviceLock {
  private readonly words: SharedWords;
  private readonly held: number;
  private readonly session: ReaderSession;
  private depth = 0;
  /** After which acquire() gives up: for the control thread, which learns of a holder's death by its event loop. */
  patienceMs = Number.POSITIVE_INFINITY;

  constructor(words: SharedWords, session: ReaderSession) {
    this.words = words;
    this.held = heldBy(session.reader.slot);
    this.session = session;
  }

  get isHeld(): boolean {
    return this.depth > 0;
  }

  /** False if it was not to be had within `patienceMs`: then there is nothing to release. */
  acquire(): boolean {
    const isTaken =
      this.depth > 0 ||
      Atomics.compareExchange(this.words, wordLock, free, this.held) === free || // pairs with release
      this.acquireContended();
    if (isTaken) this.depth += 1;
    return isTaken;
  }

  release(): void {
    assert(this.depth > 0, 'the device lock is held when it is released');
    this.depth -= 1;
    if (this.depth !== 0) return;
    // Whoever sleeps has marked the word before: one exchange gives it back and tells whether to wake.
    const word = Atomics.exchange(this.words, wordLock, free); // pairs with acquire and sleepUntilTaken
    if (word !== this.held) Atomics.notify(this.words, wordLock, 1);
  }

  private acquireContended(): boolean {
    const words = this.words;
    for (let spins = SPIN_LOADS; spins > 0; spins -= 1) {
      if (Atomics.load(words, wordLock) !== free) continue;
      if (Atomics.compareExchange(words, wordLock, free, this.held) === free) return true;
    }
    this.session.detach(PHASE_WAITING_FOR_DEVICE);
    const isTaken = this.sleepUntilTaken();
    this.session.attach();
    return isTaken;
  }

  /** Takes the lock marked, for others may sleep on: who was woken has to wake the next. */
  private sleepUntilTaken(): boolean {
    const words = this.words;
    for (;;) {
      const word = Atomics.compareExchange(words, wordLock, free, this.held | LOCK_AWAITED);
      if (word === free) return true;
      const marked = word | LOCK_AWAITED;
      if (word !== marked && Atomics.compareExchange(words, wordLock, word, marked) !== word) continue;
      if (Atomics.wait(words, wordLock, marked, this.patienceMs) === 'timed-out') return false; // pairs with release
    }
  }
}

/**
 * Frees the lock if the reader in `slot` holds it, and wakes all who wait, for the dead one may have taken
 * a wake-up with it. Control thread only, after that reader's exit was confirmed.
 */
export function breakDeviceLock(words: SharedWords, slot: number): boolean {
  let word = Atomics.load(words, wordLock);
  // Waiters may still mark it; the dead one does nothing any more.
  while (lockHolder(word) === slot) {
    const found = Atomics.compareExchange(words, wordLock, word, free);
    if (found === word) break;
    word = found;
  }
  Atomics.notify(words, wordLock);
  return lockHolder(word) === slot;
}
