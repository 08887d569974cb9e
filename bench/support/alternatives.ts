/**
 * Ways from an address to RAM that were tried for the port's loads, without the port around them: all of a stream's
 * words are RAM, and a miss asks a Map. What is found is right for every address of the stream, and for no other.
 * docs/decisions/0022-the-tlb-is-direct-mapped.md weighs them.
 */
import type { Stream } from './stream.ts';

const pageMask = -4096;
const nothing = 0x400;

/** What all have: RAM, and where its pages are. */
abstract class Candidate {
  result = 0;
  declare protected readonly ram: Int32Array<SharedArrayBuffer>;
  private readonly addends = new Map<number, number>();

  constructor({ his, los, indices, words }: Stream) {
    this.ram = words;
    for (let i = 0; i < los.length; i += 1)
      this.addends.set(pageNumber(his[i]!, los[i]!), (4 * indices[i]! - los[i]!) | 0);
  }

  /** RAM byte minus the lower half of the address, for the page of (hi, lo). */
  protected addend(hi: number, lo: number): number {
    return this.addends.get(pageNumber(hi, lo))!;
  }

  protected word(hi: number, lo: number): number {
    return this.ram[(this.addend(hi, lo) + lo) >>> 2]!;
  }
}

export const pageNumber = (hi: number, lo: number): number => hi * 2 ** 20 + (lo >>> 12);

/** As src/vcpu/tlb.ts: four words an entry in one array. */
export class DirectMapped extends Candidate {
  declare protected readonly tlb: Int32Array;

  constructor(stream: Stream) {
    super(stream);
    this.tlb = new Int32Array(4096).fill(nothing);
  }

  load32(hi: number, lo: number): number {
    const entry = ((lo >>> 10) + (hi << 11)) & 4092;
    const tlb = this.tlb;
    if (tlb[entry] !== (lo & (pageMask | 3)) || tlb[entry + 2] !== hi) return this.miss(hi, lo) | 0;
    this.result = 0;
    return this.ram[(tlb[entry + 3]! + lo) >>> 2]!;
  }

  protected miss(hi: number, lo: number): number {
    const entry = ((lo >>> 10) + (hi << 11)) & 4092;
    this.tlb[entry] = lo & pageMask;
    this.tlb[entry + 2] = hi;
    this.tlb[entry + 3] = this.addend(hi, lo);
    return this.word(hi, lo);
  }
}

/** Both halves in one compare: a branch less, two operations more. */
export class FoldedCompare extends DirectMapped {
  override load32(hi: number, lo: number): number {
    const entry = ((lo >>> 10) + (hi << 11)) & 4092;
    const tlb = this.tlb;
    if (((tlb[entry]! ^ (lo & (pageMask | 3))) | (tlb[entry + 2]! ^ hi)) !== 0) return this.miss(hi, lo) | 0;
    this.result = 0;
    return this.ram[(tlb[entry + 3]! + lo) >>> 2]!;
  }
}

/** An array a word of the entry: one bounds check for all, but each has a base address of its own. */
export class SplitArrays extends Candidate {
  declare private readonly tags: Int32Array;
  declare private readonly uppers: Int32Array;
  declare private readonly values: Int32Array;

  constructor(stream: Stream) {
    super(stream);
    this.tags = new Int32Array(1024).fill(nothing);
    this.uppers = new Int32Array(1024);
    this.values = new Int32Array(1024);
  }

  load32(hi: number, lo: number): number {
    const entry = ((lo >>> 12) + (hi << 9)) & 1023;
    if (this.tags[entry] !== (lo & (pageMask | 3)) || this.uppers[entry] !== hi) return this.miss(hi, lo) | 0;
    this.result = 0;
    return this.ram[(this.values[entry]! + lo) >>> 2]!;
  }

  private miss(hi: number, lo: number): number {
    const entry = ((lo >>> 12) + (hi << 9)) & 1023;
    this.tags[entry] = lo & pageMask;
    this.uppers[entry] = hi;
    this.values[entry] = this.addend(hi, lo);
    return this.word(hi, lo);
  }
}

/** The page found last in three fields, before the TLB. */
export class LastPage extends DirectMapped {
  private lastTag = nothing;
  private lastHi = 0;
  private lastAddend = 0;

  override load32(hi: number, lo: number): number {
    if ((lo & (pageMask | 3)) === this.lastTag && hi === this.lastHi) {
      this.result = 0;
      return this.ram[(this.lastAddend + lo) >>> 2]!;
    }
    const entry = ((lo >>> 10) + (hi << 11)) & 4092;
    const tlb = this.tlb;
    if (tlb[entry] !== (lo & (pageMask | 3)) || tlb[entry + 2] !== hi) return this.miss(hi, lo) | 0;
    this.result = 0;
    const addend = tlb[entry + 3]!;
    this.lastTag = lo & pageMask;
    this.lastHi = hi;
    this.lastAddend = addend;
    return this.ram[(addend + lo) >>> 2]!;
  }
}

/** A private table with an entry a page, of the lower 8 GiB. Zero, what fresh memory holds, is no page. */
export class PageTable extends Candidate {
  declare private readonly table: Int32Array;

  constructor(stream: Stream) {
    super(stream);
    this.table = new Int32Array(2 ** 21);
  }

  load32(hi: number, lo: number): number {
    const entry = this.table[((lo >>> 12) + (hi << 20)) & 0x1f_ffff]!;
    if ((((~entry | lo) & 3) | (hi & -2)) !== 0) return this.miss(hi, lo) | 0;
    this.result = 0;
    return this.ram[(entry + lo) >>> 2]!;
  }

  private miss(hi: number, lo: number): number {
    if ((hi & -2) === 0) this.table[(lo >>> 12) + (hi << 20)] = this.addend(hi, lo) | 3;
    return this.word(hi, lo);
  }
}

/** The same in two levels, of the lower 16 GiB: tables of 1024 pages are taken from a pool. */
export class TwoLevelTable extends Candidate {
  declare private readonly top: Int32Array;
  declare private readonly pool: Int32Array;
  private used = 1024; // the first is empty, and stands for all that are not there

  constructor(stream: Stream) {
    super(stream);
    this.top = new Int32Array(4096);
    this.pool = new Int32Array(64 * 1024).fill(1);
  }

  load32(hi: number, lo: number): number {
    if (hi >>> 2 !== 0) return this.miss(hi, lo) | 0;
    const entry = this.pool[this.top[((lo >>> 22) + (hi << 10)) & 4095]! + ((lo >>> 12) & 1023)]!;
    if (((entry | lo) & 3) !== 0) return this.miss(hi, lo) | 0;
    this.result = 0;
    return this.ram[(entry + lo) >>> 2]!;
  }

  private miss(hi: number, lo: number): number {
    const at = ((lo >>> 22) + (hi << 10)) & 4095;
    if (this.top[at] === 0 && this.used < this.pool.length) {
      this.top[at] = this.used;
      this.used += 1024;
    }
    if (this.top[at] !== 0) this.pool[this.top[at]! + ((lo >>> 12) & 1023)] = this.addend(hi, lo);
    return this.word(hi, lo);
  }
}

/** Looks nothing up: what a call that may miss costs around any of the others. Right for RAM at `start` only. */
export class NoLookup extends Candidate {
  declare private readonly start: number;

  constructor(stream: Stream) {
    super(stream);
    this.start = stream.los[0]! - 4 * stream.indices[0]!;
  }

  load32(hi: number, lo: number): number {
    if ((lo & 3) !== 0 || hi > 3) return this.word(hi, lo) | 0;
    this.result = 0;
    return this.ram[(lo - this.start) >>> 2]!;
  }
}
