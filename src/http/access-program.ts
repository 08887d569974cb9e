/**
 * The vCPU program that serves the accesses of HTTP requests, from a ring in shared memory (access-ring.ts).
 * Guarantee: a batch is served between two checkpoints, so one layout answers all of it; batches are served in
 * the order in which they were posted. While nothing is posted it sleeps, offline, and holds up no grace period.
 */

import { addressFromHalves, hiFromAddress, loFromAddress } from '../base/addresses.ts';
import { MEMTX_OK } from '../base/mem-tx-result.ts';
import type { SharedWords } from '../layout/control-block.ts';
import type { MemoryPort } from '../vcpu/memory-port.ts';
import type { Vcpu } from '../vcpu/vcpu.ts';
import * as ring from './access-ring.ts';

export interface AccessProgramData {
  readonly ring: SharedWords;
}

/** Batches that are served before the control thread is woken: it finds them all at once. */
const SWEEP_BATCHES = 32;

const { ACCESS_KIND, ACCESS_HI, ACCESS_LO, ACCESS_VALUE_HI, ACCESS_VALUE_LO, ACCESS_RESULT } = ring;
const { OPERATION_MASK, OPERATION_LOAD, OPERATION_STORE, ACCESS_SIZE_SHIFT, recordWord } = ring;

export default function accessProgram(vcpu: Vcpu, data: AccessProgramData): void {
  new AccessServer(vcpu, data.ring).run();
}

class AccessServer {
  private readonly vcpu: Vcpu;
  private readonly words: SharedWords;
  private readonly ports = new Map<number, MemoryPort>();
  private served = 0;
  private accesses = 0;
  private failures = 0;

  constructor(vcpu: Vcpu, words: SharedWords) {
    this.vcpu = vcpu;
    this.words = words;
  }

  run(): void {
    const { vcpu, words } = this;
    do {
      while (this.sweep()) if (!vcpu.checkpoint()) return;
      Atomics.store(words, ring.RING_DOZING, 1); // before the last look: pairs with AccessChannel.ring
      if (Atomics.load(words, ring.RING_POSTED) === this.served && !vcpu.waitForInterrupt()) return;
      Atomics.store(words, ring.RING_DOZING, 0);
    } while (vcpu.checkpoint());
  }

  /** Serves what is posted, up to a number of batches, each after a checkpoint. @returns whether there was any */
  private sweep(): boolean {
    const { words } = this;
    const posted = Atomics.load(words, ring.RING_POSTED); // pairs with AccessChannel.post
    if (posted === this.served) return false;
    for (let batch = 0; batch < SWEEP_BATCHES && this.served !== posted; batch += 1) {
      this.vcpu.checkpoint(); // a stop is obeyed after the sweep
      this.serveBatch(this.served);
    }
    this.count();
    Atomics.store(words, ring.RING_SERVED, this.served); // pairs with AccessChannel.settle
    if (Atomics.load(words, ring.RING_AWAITED) !== 0) Atomics.notify(words, ring.RING_SERVED);
    return true;
  }

  private serveBatch(head: number): void {
    const { words } = this;
    const headWord = recordWord(head);
    const count = words[headWord + ring.BATCH_COUNT]!;
    const port = this.portOf(words[headWord + ring.BATCH_SPACE]!);
    for (let number = head + 1; number <= head + count; number += 1) this.serve(port, recordWord(number));
    words[headWord + ring.BATCH_LAYOUT] = port.layoutTag;
    this.served = (head + count + 1) | 0;
    this.accesses = (this.accesses + count) | 0;
  }

  private serve(port: MemoryPort, word: number): void {
    const { words } = this;
    const kind = words[word + ACCESS_KIND]!;
    const size = kind >> ACCESS_SIZE_SHIFT;
    const hi = words[word + ACCESS_HI]!;
    const lo = words[word + ACCESS_LO]!;
    const operation = kind & OPERATION_MASK;
    if (operation === OPERATION_LOAD) this.load(port, word, hi, lo, size);
    else if (operation === OPERATION_STORE) this.store(port, word, hi, lo, size);
    else this.add(port, word, hi, lo, size);
    words[word + ACCESS_RESULT] = port.result;
    if (port.result !== MEMTX_OK) this.failures = (this.failures + 1) | 0;
  }

  private load(port: MemoryPort, word: number, hi: number, lo: number, size: number): void {
    let value: number;
    let high = 0;
    if (size === 4) value = port.load32(hi, lo);
    else if (size === 8) {
      value = port.load64(hi, lo);
      high = port.high;
    } else value = size === 2 ? port.load16(hi, lo) : port.load8(hi, lo);
    this.words[word + ACCESS_VALUE_HI] = high;
    this.words[word + ACCESS_VALUE_LO] = value;
  }

  private store(port: MemoryPort, word: number, hi: number, lo: number, size: number): void {
    const value = this.words[word + ACCESS_VALUE_LO]!;
    if (size === 4) port.store32(hi, lo, value);
    else if (size === 8) port.store64(hi, lo, this.words[word + ACCESS_VALUE_HI]!, value);
    else if (size === 2) port.store16(hi, lo, value);
    else port.store8(hi, lo, value);
  }

  private add(port: MemoryPort, word: number, hi: number, lo: number, size: number): void {
    const { words } = this;
    const low = words[word + ACCESS_VALUE_LO]!;
    if (size === 4) {
      words[word + ACCESS_VALUE_LO] = port.atomicAdd32(hi, lo, low);
      words[word + ACCESS_VALUE_HI] = 0;
      return;
    }
    const before = port.atomicAdd64(hi, lo, addressFromHalves(words[word + ACCESS_VALUE_HI]!, low));
    words[word + ACCESS_VALUE_LO] = loFromAddress(before);
    words[word + ACCESS_VALUE_HI] = hiFromAddress(before);
  }

  private portOf(space: number): MemoryPort {
    let port = this.ports.get(space);
    if (port === undefined) {
      port = this.vcpu.portAt(space);
      this.ports.set(space, port);
    }
    return port;
  }

  private count(): void {
    const { words } = this;
    let walks = 0;
    for (const port of this.ports.values()) walks = (walks + port.walks) | 0;
    words[ring.RING_ACCESSES] = this.accesses;
    words[ring.RING_FAILURES] = this.failures;
    words[ring.RING_WALKS] = walks;
  }
}
