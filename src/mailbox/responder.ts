/**
 * A device host's half of the mailbox: serves the accesses that vCPUs hand to this thread, from its event
 * loop; the control thread and device workers alike.
 * Guarantee: each request for this host is answered exactly once, also if serving it throws; requests of
 * one vCPU in their order. After a ring the server's queue is replayed before the host sleeps. Between two requests of a busy host its event loop gets turns.
 * Writes: MAILBOX_ANSWER and MAILBOX_RESULT of requests for this host, their MAILBOX_STATE to ANSWERED,
 * this host's DEVICE_HOST_ASLEEP; takes the bits of its doorbell.
 * Order: test/mailbox/interleavings.test.ts walks every order of these steps and the vCPUs'.
 *
 * It sleeps in two levels: for a while in naps that block the thread, where the thread has nothing else to do, then
 * in the event loop. Asleep, it does not keep the thread's event loop alive: who runs vCPUs does (service/vcpu-host.ts).
 */
import type { MemTxAttrs } from '../base/mem-tx-attrs.ts';
import { MEMTX_ERROR, type MemTxResult } from '../base/mem-tx-result.ts';
import { deviceHostWord, mailboxWord, READER_COUNT_MAX, type SharedWords } from '../layout/control-block.ts';
import {
  DEVICE_HOST_ASLEEP,
  DEVICE_HOST_DOORBELL,
  DOORBELL_BITS,
  isRequested,
  MAILBOX_ACCESS,
  MAILBOX_ANSWER_HI,
  MAILBOX_ANSWER_LO,
  MAILBOX_ANSWERED,
  MAILBOX_ATTRS,
  MAILBOX_DEVICE,
  MAILBOX_OFFSET_HI,
  MAILBOX_OFFSET_LO,
  MAILBOX_RESULT,
  MAILBOX_STATE,
  MAILBOX_VALUE_HI,
  MAILBOX_VALUE_LO,
  requestedState,
} from '../layout/mailbox.ts';

/** What performs an access in this thread. It reports its own errors; one that it throws fails the access. */
export interface AccessServer {
  /** MemTxResult of the last serve(). */
  result: MemTxResult;
  /** Upper half of the value of the last serve(). */
  high: number;
  /** @param access MAILBOX_ACCESS. Returns the lower half of the value read as int32. */
  serve(
    slot: number,
    device: number,
    offset: number,
    access: number,
    valueLo: number,
    valueHi: number,
    attrs: MemTxAttrs,
  ): number;
  /** Replays what is queued for this host's devices. Called once a turn, so also after a ring without a request. */
  replayQueued(): void;
}

const isRequest = isRequested; // local name for the hot path

/** Loads of the doorbell in one turn of the event loop: about 20 us, little beside what a turn may take. */
const LOADS_PER_TURN = 2000;
/** Rounds of answers in one turn, so that timers and messages run under a stream of requests. */
const ROUNDS_PER_TURN = 64;
/** Turns without a request before it sleeps: some 200 us awake, against 16 us for a wake-up. */
const IDLE_TURNS = 8;
/**
 * A nap blocks the thread: waking from it takes some 16 us, against 60 and more where the wake-up goes through the
 * event loop. What else the event loop has to do waits for the end of a nap, so it is no longer than a timer's tick.
 */
const NAP_MS = 1;
/** Naps in a row that nobody ended, after which it sleeps in the event loop: an idle host costs nothing. */
const NAPS_MAX = 100;

export class MailboxResponder {
  private readonly words: SharedWords;
  private readonly server: AccessServer;
  private readonly doorbell: number;
  private readonly asleep: number;
  private readonly requested: number;
  private running = false;
  private idleTurns = 0;
  private naps = 0;
  private readonly mayNap: () => boolean;
  private readonly onTurn = (): void => this.turn();
  private readonly onWake = (): void => this.wake();

  /** @param mayNap whether the thread may be blocked for NAP_MS now; the control thread never may */
  constructor(words: SharedWords, host: number, server: AccessServer, mayNap: () => boolean = () => false) {
    this.words = words;
    this.mayNap = mayNap;
    this.requested = requestedState(host);
    this.server = server;
    this.doorbell = deviceHostWord(host) + DEVICE_HOST_DOORBELL;
    this.asleep = deviceHostWord(host) + DEVICE_HOST_ASLEEP;
  }

  /** Begins to serve; once in a responder's life. */
  start(): void {
    this.running = true;
    this.sleep();
  }

  /** Serves nothing any more. Requests that come later wait until this host is declared dead. */
  stop(): void {
    this.running = false;
    Atomics.notify(this.words, this.doorbell); // ends our own sleep
  }

  private turn(): void {
    if (!this.running) return;
    let served = true;
    let isOver = false;
    try {
      served = this.serveForAWhile(this.naps === 0 ? LOADS_PER_TURN : 1);
      isOver = !served && this.idleTurns + 1 >= IDLE_TURNS;
      if (isOver && this.naps < NAPS_MAX && this.mayNap()) {
        isOver = false;
        served = this.nap();
        if (served) this.serveForAWhile(LOADS_PER_TURN);
      }
    } finally {
      this.idleTurns = served ? 0 : this.idleTurns + 1;
      if (served) this.naps = 0;
      if (isOver) this.sleep();
      else setImmediate(this.onTurn);
    }
  }

  private wake(): void {
    Atomics.store(this.words, this.asleep, 0);
    this.idleTurns = 0;
    this.naps = 0;
    this.turn();
  }

  /** Sleeps on the doorbell for a moment, blocking the thread. True if it was rung. In the order of sleep(). */
  private nap(): boolean {
    Atomics.store(this.words, this.asleep, 1); // pairs with MailboxRequester.ring
    const isRung = Atomics.wait(this.words, this.doorbell, 0, NAP_MS) !== 'timed-out';
    Atomics.store(this.words, this.asleep, 0);
    this.naps += 1;
    return isRung;
  }

  /** Sleeps on the doorbell, or goes on at once if it has been rung. */
  private sleep(): void {
    // ASLEEP first: a vCPU that rings and then reads 0 here has rung before the compare in waitAsync.
    Atomics.store(this.words, this.asleep, 1); // pairs with MailboxRequester.access
    const sleep = Atomics.waitAsync(this.words, this.doorbell, 0);
    if (sleep.async) void sleep.value.then(this.onWake);
    else setImmediate(this.onWake);
  }

  /** True if a request was served. */
  private serveForAWhile(loadsMax: number): boolean {
    const words = this.words;
    const doorbell = this.doorbell;
    this.server.replayQueued();
    let rounds = 0;
    for (let loads = loadsMax; loads > 0 && rounds < ROUNDS_PER_TURN && this.running; loads -= 1) {
      if (Atomics.load(words, doorbell) === 0) continue;
      rounds += 1;
      if (!this.takeBells()) this.server.replayQueued(); // serving does it
    }
    return rounds !== 0;
  }

  /** Whether a request came with them. */
  private takeBells(): boolean {
    let hasServed = false;
    // Take, then look: a request that is stored after the look rings again.
    let bells = Atomics.exchange(this.words, this.doorbell, 0); // pairs with MailboxRequester.access
    while (bells !== 0) {
      const bit = 31 - Math.clz32(bells & -bells);
      bells &= bells - 1;
      for (let slot = bit; slot < READER_COUNT_MAX; slot += DOORBELL_BITS)
        if (this.serveSlot(slot)) hasServed = true;
    }
    return hasServed;
  }

  /** Whether there was a request for this host. */
  private serveSlot(slot: number): boolean {
    const words = this.words;
    const base = mailboxWord(slot);
    // Plainly first: of the slots that share a bell few have rung it, and who has stored its state before.
    if (!isRequest(words[base + MAILBOX_STATE]!, this.requested)) return false;
    if (!isRequest(Atomics.load(words, base + MAILBOX_STATE), this.requested)) return false; // pairs with MailboxRequester.access
    const offset =
      (words[base + MAILBOX_OFFSET_HI]! >>> 0) * 0x1_0000_0000 + (words[base + MAILBOX_OFFSET_LO]! >>> 0);
    let answer = 0;
    let high = 0;
    let result: MemTxResult = MEMTX_ERROR;
    try {
      const device = words[base + MAILBOX_DEVICE]!;
      answer = this.server.serve(
        slot,
        device,
        offset,
        words[base + MAILBOX_ACCESS]!,
        words[base + MAILBOX_VALUE_LO]!,
        words[base + MAILBOX_VALUE_HI]!,
        words[base + MAILBOX_ATTRS]!,
      );
      high = this.server.high;
      result = this.server.result;
    } finally {
      words[base + MAILBOX_ANSWER_LO] = answer;
      words[base + MAILBOX_ANSWER_HI] = high;
      words[base + MAILBOX_RESULT] = result;
      const state = Atomics.exchange(words, base + MAILBOX_STATE, MAILBOX_ANSWERED); // pairs with MailboxRequester
      if (state !== this.requested) Atomics.notify(words, base + MAILBOX_STATE); // it sleeps, or is about to
    }
    return true;
  }
}
