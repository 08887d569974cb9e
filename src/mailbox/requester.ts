/**
 * A vCPU's half of the mailbox: hands one MMIO access to the thread where the device is homed and waits.
 * Guarantee: access() returns, with the host's answer, or with MEMTX_ERROR once the host's exit was
 * confirmed. It is served at most once; what the host wrote before it answered is visible afterwards.
 * Writes: this slot's request words, MAILBOX_STATE to requested and IDLE, its bit in the host's doorbell.
 * The caller is offline while it waits, or in a read section (vcpu/reader-session.ts).
 * Order: test/mailbox/interleavings.test.ts walks every order of these steps and the host's.
 */
import type { MemTxAttrs } from '../base/mem-tx-attrs.ts';
import { MEMTX_ERROR, MEMTX_OK, type MemTxResult } from '../base/mem-tx-result.ts';
import { deviceHostWord, mailboxWord, type SharedWords } from '../layout/control-block.ts';
import {
  awaitedState,
  DEVICE_HOST_ALIVE,
  DEVICE_HOST_ASLEEP,
  DEVICE_HOST_DOORBELL,
  doorbellBit,
  hostOfState,
  MAILBOX_ACCESS,
  MAILBOX_ANSWER_HI,
  MAILBOX_ANSWER_LO,
  MAILBOX_ANSWERED,
  MAILBOX_ATTRS,
  MAILBOX_DEVICE,
  MAILBOX_IDLE,
  MAILBOX_OFFSET_HI,
  MAILBOX_OFFSET_LO,
  MAILBOX_RESULT,
  MAILBOX_STATE,
  MAILBOX_VALUE_HI,
  MAILBOX_VALUE_LO,
  requestedState,
} from '../layout/mailbox.ts';

/**
 * Loads of MAILBOX_STATE before sleeping: about 30 us at 10 ns each. An awake host answers in under 1 us,
 * and a sleep with its wake-up costs 13 us, so longer spinning only takes the core from the host.
 */
const SPIN_LOADS = 3000;

/**
 * An awake host that does not answer in that time shares the vCPU's core: each waits for the other to sleep,
 * some 110 us an access, and no scheduler notices, because neither runs for long. A vCPU that spins for 1 ms
 * is noticed, and one of them moved; on a machine with too few cores it is time lost. So it is tried
 * after a few unanswered spins in a row, and then ever more rarely (bench row mmio/homed-awake).
 */
const LONG_SPIN_LOADS = 100_000;
const MISSES_FIRST = 4;
const MISSES_MAX = 1024;

/**
 * Longest sleep before DEVICE_HOST_ALIVE is looked at again. Only a host that dies between the last look
 * and the sleep needs it; for every other death the control thread's notify ends the sleep.
 */
const ALIVE_CHECK_MS = 50;
/** Longest sleep of a thread that has to look after others while it waits. */
const ATTENTIVE_WAIT_MS = 1;

export interface AttentiveWait {
  /** Called every millisecond while the host has not answered. */
  readonly whileWaiting: () => void;
  /** After which the access fails with MEMTX_ERROR; the mailbox is free again once the host has answered or died. */
  readonly patienceMs: number;
}

export class MailboxRequester {
  /** MemTxResult of the last access. */
  result: MemTxResult = MEMTX_OK;
  /** Upper half of the last answer, as int32. */
  high = 0;
  /** For a thread that others may wait for, and that learns of deaths by its event loop: the control thread. */
  attentive: AttentiveWait | null = null;
  private readonly words: SharedWords;
  private readonly base: number;
  private readonly bit: number;
  /** Spins in a row that an awake host left unanswered. */
  private misses = 0;
  private missesToLongSpin = MISSES_FIRST;
  /** A request that nobody waits for any more has still to be answered. */
  private abandoned = false;

  constructor(words: SharedWords, slot: number) {
    this.words = words;
    this.base = mailboxWord(slot);
    this.bit = doorbellBit(slot);
  }

  /**
   * @param offset bytes from the start of the region, up to 2^53
   * @param access MAILBOX_ACCESS: readAccess(size), writeAccess(size), or a probe of one
   * @returns lower half of what the host answered, as int32; 0 for a write and where `result` is an error
   */
  access(
    host: number,
    device: number,
    offset: number,
    access: number,
    valueLo: number,
    valueHi: number,
    attrs: MemTxAttrs,
  ): number {
    const words = this.words;
    const base = this.base;
    const hostBase = deviceHostWord(host);
    if (Atomics.load(words, hostBase + DEVICE_HOST_ALIVE) === 0) return this.fail();
    if (this.abandoned && !this.isFreeAgain()) return this.fail();
    words[base + MAILBOX_DEVICE] = device;
    words[base + MAILBOX_ACCESS] = access;
    words[base + MAILBOX_OFFSET_LO] = offset | 0;
    words[base + MAILBOX_OFFSET_HI] = (offset / 0x1_0000_0000) | 0;
    words[base + MAILBOX_VALUE_LO] = valueLo;
    words[base + MAILBOX_VALUE_HI] = valueHi;
    words[base + MAILBOX_ATTRS] = attrs;
    Atomics.store(words, base + MAILBOX_STATE, requestedState(host)); // pairs with MailboxResponder.serveSlot
    // Whoever spins for a host that has to wake up first keeps it from the core that it would wake up on.
    if (this.ring(host) !== 0) return this.sleepUntilAnswered(host);
    for (let spins = this.spinLoads(); spins > 0; spins -= 1) {
      if (Atomics.load(words, base + MAILBOX_STATE) !== MAILBOX_ANSWERED) continue;
      this.misses = 0;
      this.missesToLongSpin = MISSES_FIRST;
      return this.takeAnswer();
    }
    this.misses += 1;
    return this.sleepUntilAnswered(host);
  }

  /** Makes `host` look for work: requests, and queued writes to its devices. Returns whether it slept. */
  ring(host: number): number {
    const { words } = this;
    const hostBase = deviceHostWord(host);
    Atomics.or(words, hostBase + DEVICE_HOST_DOORBELL, this.bit); // pairs with MailboxResponder.takeBells
    // The host sets ASLEEP, then sleeps only if the doorbell is still 0: no ring is lost.
    const asleep = Atomics.load(words, hostBase + DEVICE_HOST_ASLEEP);
    if (asleep !== 0) Atomics.notify(words, hostBase + DEVICE_HOST_DOORBELL);
    return asleep;
  }

  private spinLoads(): number {
    if (this.misses < this.missesToLongSpin) return SPIN_LOADS;
    this.misses = 0;
    this.missesToLongSpin = Math.min(2 * this.missesToLongSpin, MISSES_MAX);
    return LONG_SPIN_LOADS;
  }

  private takeAnswer(): number {
    const words = this.words;
    const answer = words[this.base + MAILBOX_ANSWER_LO]!;
    this.high = words[this.base + MAILBOX_ANSWER_HI]!;
    this.result = words[this.base + MAILBOX_RESULT]!;
    Atomics.store(words, this.base + MAILBOX_STATE, MAILBOX_IDLE);
    return answer;
  }

  private sleepUntilAnswered(host: number): number {
    const words = this.words;
    const state = this.base + MAILBOX_STATE;
    const waitMs = this.attentive === null ? ALIVE_CHECK_MS : ATTENTIVE_WAIT_MS;
    const patienceMs = this.attentive?.patienceMs ?? Number.POSITIVE_INFINITY;
    const since = performance.now();
    for (;;) {
      const alive = Atomics.load(words, deviceHostWord(host) + DEVICE_HOST_ALIVE); // pairs with DeviceHosts.hostExited
      // After ALIVE, never before: the host may have answered with its last breath, but not after ALIVE fell.
      if (Atomics.load(words, state) === MAILBOX_ANSWERED) return this.takeAnswer();
      if (alive === 0) {
        Atomics.store(words, state, MAILBOX_IDLE);
        return this.fail();
      }
      if (performance.now() - since > patienceMs) {
        this.abandoned = true;
        return this.fail();
      }
      this.attentive?.whileWaiting();
      // Marked before it sleeps: an answer before the mark is found by the compare, one after it wakes.
      Atomics.compareExchange(words, state, requestedState(host), awaitedState(requestedState(host)));
      Atomics.wait(words, state, awaitedState(requestedState(host)), waitMs); // pairs with MailboxResponder.serveSlot
    }
  }

  /** Whether nobody can answer any more what was abandoned: until then its host may write into the mailbox. */
  private isFreeAgain(): boolean {
    const host = hostOfState(Atomics.load(this.words, this.base + MAILBOX_STATE)); // -1 once it was answered
    this.abandoned = host >= 0 && Atomics.load(this.words, deviceHostWord(host) + DEVICE_HOST_ALIVE) !== 0;
    return !this.abandoned;
  }

  private fail(): number {
    this.result = MEMTX_ERROR;
    this.high = 0;
    return 0;
  }
}
