/**
 * The control side of one vCPU that serves accesses (access-program.ts): posts batches, wakes the vCPU, and
 * calls back with the answers. Nothing here blocks: the control thread sleeps on the vCPU by Atomics.waitAsync.
 * Guarantee: every batch that was submitted is called back exactly once, answered or failed, in the order of
 * submission; what does not fit into the ring waits here, and past WAITING_MAX is refused.
 * Writes: RING_POSTED, RING_AWAITED, and records before they are posted.
 */
import { callOut } from '../base/call-out.ts';
import type { SharedWords } from '../layout/control-block.ts';
import type { VcpuHandle } from '../service/vcpu-handle.ts';
import * as ring from './access-ring.ts';

/** Accesses of one request, as halves; all in one address space. */
export interface AccessBatch {
  /** Number of the address space. */
  readonly space: number;
  readonly count: number;
  /** Writes access `index` with putAccess(). */
  put(words: SharedWords, word: number, index: number): void;
  /** The answers stand in the records until this returns; null: the vCPU has died. */
  answered(answers: AccessAnswers | null): void;
}

/** Where the answers of a batch are. */
export interface AccessAnswers {
  readonly words: SharedWords;
  /** Number of the record that heads the batch. */
  readonly head: number;
}

/** Writes one access. `value` is what is stored or added. */
export function putAccess(
  words: SharedWords,
  word: number,
  kind: number,
  hi: number,
  lo: number,
  valueHi: number,
  valueLo: number,
): void {
  words[word + ring.ACCESS_KIND] = kind;
  words[word + ring.ACCESS_HI] = hi;
  words[word + ring.ACCESS_LO] = lo;
  words[word + ring.ACCESS_VALUE_HI] = valueHi;
  words[word + ring.ACCESS_VALUE_LO] = valueLo;
}

/** Batches that wait for room in the ring. */
const WAITING_MAX = 1024;
/** Past that many of its slots the front of a queue is given back. */
const QUEUE_SLACK = 1024;

export class AccessChannel {
  readonly words: SharedWords;
  private readonly vcpu: VcpuHandle;
  private readonly inFlight: AccessBatch[] = [];
  private firstInFlight = 0;
  private waiting: AccessBatch[] = [];
  private posted = 0;
  private settled = 0;
  private isListening = false;
  private willRing = false;
  private closed = false;

  /** @param vcpu runs access-program.ts on `words` */
  constructor(vcpu: VcpuHandle, words: SharedWords) {
    this.vcpu = vcpu;
    this.words = words;
  }

  /** Whether its vCPU has ended. */
  get isClosed(): boolean {
    return this.closed;
  }

  /** False if too many wait already, or the vCPU has ended: then the batch is never called back. */
  submit(batch: AccessBatch): boolean {
    if (this.closed || this.waiting.length >= WAITING_MAX) return false;
    if (this.waiting.length > 0 || !this.hasRoom(batch)) this.waiting.push(batch);
    else this.post(batch);
    return true;
  }

  /** The vCPU has ended: fails whatever it has not served. */
  close(): void {
    this.closed = true;
    this.settle();
    Atomics.notify(this.words, ring.RING_SERVED); // ends our own wait
    const lost = [...this.inFlight.slice(this.firstInFlight), ...this.waiting];
    this.inFlight.length = 0;
    this.firstInFlight = 0;
    this.waiting = [];
    for (const batch of lost) callOut(() => batch.answered(null));
  }

  private hasRoom({ count }: AccessBatch): boolean {
    return ((this.posted - this.settled) | 0) + count + 1 <= ring.RECORD_COUNT;
  }

  private post(batch: AccessBatch): void {
    const { words } = this;
    const { space, count } = batch;
    const head = this.posted;
    const headWord = ring.recordWord(head);
    words[headWord + ring.BATCH_COUNT] = count;
    words[headWord + ring.BATCH_SPACE] = space;
    for (let index = 0; index < count; index += 1) batch.put(words, ring.recordWord(head + 1 + index), index);
    this.posted = (head + count + 1) | 0;
    this.inFlight.push(batch);
    Atomics.store(words, ring.RING_POSTED, this.posted); // pairs with AccessServer.sweep
    if (this.willRing) return;
    this.willRing = true;
    setImmediate(() => this.ring()); // once for all requests that came in this turn of the event loop
  }

  private ring(): void {
    this.willRing = false;
    if (Atomics.load(this.words, ring.RING_DOZING) !== 0) this.vcpu.kick(); // pairs with AccessServer.run
    void this.listen();
  }

  /** Sleeps on the vCPU as long as something is in flight. */
  private async listen(): Promise<void> {
    if (this.isListening) return;
    this.isListening = true;
    const { words } = this;
    while (!this.closed && this.firstInFlight < this.inFlight.length) {
      Atomics.store(words, ring.RING_AWAITED, 1); // before the look: pairs with AccessServer.sweep
      const wait = Atomics.waitAsync(words, ring.RING_SERVED, this.settled);
      if (wait.async) await wait.value;
      Atomics.store(words, ring.RING_AWAITED, 0);
      this.settle();
    }
    this.isListening = false;
  }

  private settle(): void {
    const { words, inFlight } = this;
    const served = Atomics.load(words, ring.RING_SERVED); // pairs with AccessServer.sweep
    while (this.settled !== served) {
      const head = this.settled;
      const batch = inFlight[this.firstInFlight]!;
      this.firstInFlight += 1;
      callOut(() => batch.answered({ words, head }));
      this.settled = (head + batch.count + 1) | 0; // not before: the records are the batch's until it was told
    }
    if (this.firstInFlight === inFlight.length || this.firstInFlight > QUEUE_SLACK) {
      inFlight.splice(0, this.firstInFlight);
      this.firstInFlight = 0;
    }
    while (!this.closed && this.waiting.length > 0 && this.hasRoom(this.waiting[0]!))
      this.post(this.waiting.shift()!);
  }
}
