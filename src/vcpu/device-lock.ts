/**
 * The locks that worker-local devices are called under: the one that they share unless they opt out, as QEMU's
 * devices share its big lock, and those of single devices.
 * Guarantee: one vCPU at a time is between the outermost acquire() of a lock and its release(). Nested acquire()
 * only counts: a device may access memory that leads to a device under the same lock.
 * Nobody waits in a circle: own locks are leaves. Who holds one gets no other, and waits for no host; who holds the
 * shared one may take an own one. So who waits for the shared lock holds none, and who has an own one waits for
 * nothing (docs/decisions/0019-device-locks.md).
 * Writes: a lock's word, as layout/device-lock.ts says.
 * Order: test/vcpu/device-lock.test.ts walks every order of two holders, and of two who sleep.
 *
 * Each operation of Atomics costs some 10 ns, so there are two a pair: what a holder must know of waiters stands in
 * the word that it gives back.
 */
import { assert } from '../base/assert.ts';
import { PHASE_WAITING_FOR_DEVICE, type SharedWords, WORD_DEVICE_LOCK } from '../layout/control-block.ts';
import { heldBy, LOCK_AWAITED, LOCK_FREE, lockHolder, WORD_OWN_LOCK } from '../layout/device-lock.ts';
import type { ReaderSession } from './reader-session.ts';

/** About 10 us at 10 ns a load: a register access under the lock takes far less, a sleep more. */
const SPIN_LOADS = 1000;

/** Calls under one lock inside each other: a device that leads back to itself without end is denied long before the stack ends. */
const NESTED_MAX = 64;

/** More calls inside each other than there are in a sleep. */
const SLEEP_CALLS = 16;

const free = LOCK_FREE; // a local name for the hot path

/** All locks of one thread, and which of them it holds. */
export class ThreadLocks {
  /** Of all devices that neither opted out nor have their own. */
  readonly shared: DeviceLock;
  readonly session: ReaderSession;
  /** The own lock that this thread holds; null if none. */
  leaf: DeviceLock | null = null;
  /** After which acquire() gives up: for the control thread, which learns of a holder's death by its event loop. */
  patienceMs = Number.POSITIVE_INFINITY;

  constructor(words: SharedWords, session: ReaderSession) {
    this.session = session;
    this.shared = new DeviceLock(this, words, WORD_DEVICE_LOCK, false);
  }

  /** The lock of one device. @param buffer OWN_LOCK_BYTES; the same in every thread */
  own(buffer: SharedArrayBuffer): DeviceLock {
    return new DeviceLock(this, new Int32Array(buffer), WORD_OWN_LOCK, true);
  }

  /** Whether this thread is inside a device that others may wait for. */
  get isAnyHeld(): boolean {
    return this.leaf !== null || this.shared.isHeld;
  }

  /** Whoever this thread is inside of, in reports. */
  get holder(): string {
    return this.leaf === null
      ? 'a device that holds the device lock'
      : 'a device that holds a lock of its own';
  }

  /** Whether acquire() refuses `lock` as long as this thread is inside the device that it is in. */
  forbids(lock: DeviceLock): boolean {
    return this.leaf !== null && this.leaf !== lock;
  }
}

export class DeviceLock {
  private readonly locks: ThreadLocks;
  private readonly words: SharedWords;
  private readonly word: number;
  private readonly held: number;
  private readonly isLeaf: boolean;
  private depth = 0;

  /** For ThreadLocks: a thread has one DeviceLock for each word. */
  constructor(locks: ThreadLocks, words: SharedWords, word: number, isLeaf: boolean) {
    this.locks = locks;
    this.words = words;
    this.word = word;
    this.held = heldBy(locks.session.reader.slot);
    this.isLeaf = isLeaf;
  }

  get isHeld(): boolean {
    return this.depth > 0;
  }

  /** Whether so many calls are inside each other that one more is refused. */
  get isExhausted(): boolean {
    return this.depth === NESTED_MAX;
  }

  /** False if it is forbidden now, or was not to be had within `patienceMs`: then there is nothing to release. */
  acquire(): boolean {
    const { leaf } = this.locks;
    if ((leaf !== null && leaf !== this) || this.isExhausted) return false;
    const isTaken = this.depth > 0 || this.takeFree() || this.acquireContended();
    if (isTaken) {
      this.depth += 1;
      if (this.isLeaf) this.locks.leaf = this;
    }
    return isTaken;
  }

  release(): void {
    this.depth -= 1;
    if (this.depth !== 0) {
      assert(this.depth > 0, 'the device lock is held when it is released');
      return;
    }
    if (this.isLeaf) this.locks.leaf = null;
    // Whoever sleeps has marked the word before: one exchange gives it back and tells whether to wake.
    const word = Atomics.exchange(this.words, this.word, free); // pairs with acquire and sleepUntilTaken
    if (word !== this.held) Atomics.notify(this.words, this.word, 1);
  }

  /** Takes it where it is free: so that who takes it has met more of the stack than release() needs. */
  private takeFree(): boolean {
    // Never so. But no function begins without room for its frame as V8's interpreter would lay it out, also where it
    // was inlined, and the longest call in it is part of that.
    if (this.depth < 0) never(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    return Atomics.compareExchange(this.words, this.word, free, this.held) === free; // pairs with release
  }

  private acquireContended(): boolean {
    const { words, word } = this;
    requireStack(SLEEP_CALLS);
    for (let spins = SPIN_LOADS; spins > 0; spins -= 1) {
      if (Atomics.load(words, word) !== free) continue;
      if (Atomics.compareExchange(words, word, free, this.held) === free) return true;
    }
    const { session } = this.locks;
    session.detach(PHASE_WAITING_FOR_DEVICE);
    const isTaken = this.sleepUntilTaken();
    session.attach();
    return isTaken;
  }

  /** Takes the lock marked, for others may sleep on: who was woken has to wake the next. */
  private sleepUntilTaken(): boolean {
    const { words, word, locks } = this;
    for (;;) {
      const found = Atomics.compareExchange(words, word, free, this.held | LOCK_AWAITED);
      if (found === free) return true;
      const marked = found | LOCK_AWAITED;
      if (found !== marked && Atomics.compareExchange(words, word, found, marked) !== found) continue;
      if (Atomics.wait(words, word, marked, locks.patienceMs) === 'timed-out') return false; // pairs with release
    }
  }
}

/** Is never called; takeFree() has room for the call. */
function never(..._room: readonly number[]): void {}

/** Throws the RangeError of a stack that ends within as many calls: now, where nothing is taken yet. */
function requireStack(calls: number): void {
  if (calls > 0) requireStack(calls - 1);
}

/**
 * Frees the lock at `word` if the reader in `slot` holds it, and wakes all who wait, for the dead one may have taken
 * a wake-up with it. Control thread only, after that reader's exit was confirmed.
 */
export function breakDeviceLock(words: SharedWords, word: number, slot: number): boolean {
  let value = Atomics.load(words, word);
  // Waiters may still mark it; the dead one does nothing any more.
  while (lockHolder(value) === slot) {
    const found = Atomics.compareExchange(words, word, value, free);
    if (found === value) break;
    value = found;
  }
  Atomics.notify(words, word);
  return lockHolder(value) === slot;
}
