/**
 * RAM that only one vCPU touches, accessed in every size and alignment, and counters that all vCPUs add to.
 * Guarantee: after any sequence of stores a load of any size and alignment gives what the byte model in the
 * vCPU's own heap gives; a counter never goes back for the vCPU that adds to it.
 *
 * Blocks of 16 bytes lie across page borders where the machine's RAM allows it.
 */
import type { MemoryPort } from '../vcpu/memory-port.ts';
import type { AccessChecker } from './access-checker.ts';
import { FOUND_COUNTER, FOUND_TORN } from './board.ts';
import type { Random } from './random.ts';

export const BLOCK_BYTES = 16;

/** Where the blocks and counters of one vCPU are, all in one address space. */
export interface PrivatePlaces {
  /** BLOCK_BYTES each; (hi, lo) pairs. */
  readonly blocks: readonly (readonly [hi: number, lo: number])[];
  /** 32-bit words that start at 0; (hi, lo) pairs, the same for all vCPUs. */
  readonly counters: readonly (readonly [hi: number, lo: number])[];
}

export class PrivateMemory {
  /** What this vCPU added to each counter. */
  readonly added: Int32Array;
  private readonly places: PrivatePlaces;
  private readonly seen: Int32Array;
  private readonly models: readonly DataView[];

  constructor(places: PrivatePlaces) {
    this.places = places;
    this.added = new Int32Array(places.counters.length);
    this.seen = new Int32Array(places.counters.length);
    this.models = places.blocks.map(() => new DataView(new ArrayBuffer(BLOCK_BYTES)));
  }

  /** One store and two loads in one block, and one addition to a counter. */
  exercise(port: MemoryPort, checker: AccessChecker, random: Random): void {
    const { blocks, counters } = this.places;
    if (blocks.length > 0) {
      const block = random.below(blocks.length);
      const [hi, lo] = blocks[block]!;
      this.store(port, hi, lo, this.models[block]!, random.next(), random.next());
      this.load(port, checker, hi, lo, this.models[block]!, random.next());
      this.load(port, checker, hi, lo, this.models[block]!, random.next());
      checker.checked = (checker.checked + 3) | 0;
    }
    if (counters.length > 0) this.count(port, checker, random.below(counters.length));
  }

  private store(
    port: MemoryPort,
    hi: number,
    lo: number,
    model: DataView,
    choice: number,
    value: number,
  ): void {
    const at = choice & (BLOCK_BYTES - 1);
    const kind = (choice >>> 8) & 3;
    if (kind === 0 || at > 12) {
      port.store8(hi, lo + at, value);
      model.setUint8(at, value);
    } else if (kind === 1) {
      port.store16(hi, lo + at, value);
      model.setUint16(at, value, true);
    } else if (kind === 2 || at > 8) {
      port.store32(hi, lo + at, value);
      model.setInt32(at, value, true);
    } else {
      port.store64(hi, lo + at, ~value, value);
      model.setInt32(at, value, true);
      model.setInt32(at + 4, ~value, true);
    }
  }

  private load(
    port: MemoryPort,
    checker: AccessChecker,
    hi: number,
    lo: number,
    model: DataView,
    choice: number,
  ): void {
    const at = choice & (BLOCK_BYTES - 1);
    const kind = (choice >>> 8) & 3;
    let value: number;
    let due: number;
    let size: number;
    if (kind === 0 || at > 12) {
      size = 1;
      value = port.load8(hi, lo + at);
      due = model.getUint8(at);
    } else if (kind === 1) {
      size = 2;
      value = port.load16(hi, lo + at);
      due = model.getUint16(at, true);
    } else if (kind === 2 || at > 8) {
      size = 4;
      value = port.load32(hi, lo + at);
      due = model.getInt32(at, true);
    } else {
      size = 8;
      value = port.load64(hi, lo + at);
      due = model.getInt32(at, true);
      const upper = model.getInt32(at + 4, true);
      if (port.high !== upper) checker.report(FOUND_TORN, hi, lo + at + 4, size, upper, port.high);
    }
    if (value !== due || port.result !== 0) checker.report(FOUND_TORN, hi, lo + at, size, due, value);
  }

  private count(port: MemoryPort, checker: AccessChecker, counter: number): void {
    const [hi, lo] = this.places.counters[counter]!;
    const before = port.atomicAdd32(hi, lo, 1);
    checker.checked = (checker.checked + 1) | 0;
    const isBack = ((before - this.seen[counter]!) | 0) < 0;
    if (isBack || port.result !== 0) checker.report(FOUND_COUNTER, hi, lo, -4, this.seen[counter]!, before);
    this.seen[counter] = (before + 1) | 0;
    this.added[counter] = (this.added[counter]! + 1) | 0;
  }
}
