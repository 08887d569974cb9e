/**
 * Checks what a port answers against shuffle.ts, exactly: by the port's layoutTag, which must lie between
 * the last published layout before the checkpoint and the one that is being published now, and never goes back.
 */
import { MEMTX_DECODE_ERROR, MEMTX_OK } from '../../src/base/mem-tx-result.ts';
import { POISON } from '../../src/layout/map-entry.ts';
import type { MemoryPort } from '../../src/vcpu/memory-port.ts';
import type { Random } from '../../src/verify/random.ts';
import { HOLE, INTENT, LATEST, PAGE_BYTES, pageIn, WINDOW_COUNT, windowAddress, wordOf } from '../shuffle.ts';
import type { UnderStress } from '../vcpu-side.ts';

/** What the lane notes with each layout that was taken. */
const TOOK = 100;
/** Which way an address that nothing answers is probed. */
const HOLE_KINDS = 3;

export class LayoutChecker {
  /** layoutTag of the layout in use, as it was at the last checkpoint. */
  tag = 0;
  private readonly port: MemoryPort;
  private readonly under: UnderStress<{ readonly seed: number }>;
  private readonly random: Random;

  constructor(under: UnderStress<{ readonly seed: number }>, port = under.vcpu.memory) {
    this.under = under;
    this.port = port;
    this.random = under.random;
  }

  /** To call before the checkpoint: no layout older than this may be seen after it. */
  floor(): number {
    return Atomics.load(this.under.words, LATEST);
  }

  /** To call after the checkpoint, with what floor() gave before it. */
  took(floor: number): void {
    const { lane, words, vcpu } = this.under;
    const tag = this.port.layoutTag;
    lane.note(TOOK, tag);
    if (tag < this.tag) lane.violation(`vCPU ${vcpu.id}: layout ${tag} after layout ${this.tag}`);
    if (tag < floor) {
      lane.violation(
        `vCPU ${vcpu.id}: layout ${tag} after a checkpoint, but ${floor} was published before it`,
      );
    }
    const intent = Atomics.load(words, INTENT);
    if (tag > intent)
      lane.violation(`vCPU ${vcpu.id}: layout ${tag}${hint(tag)}, never made; newest is ${intent}`);
    this.tag = tag;
  }

  /** `count` accesses at random places, each answered by the layout in use. */
  probe(count: number): void {
    const { lane, vcpu } = this.under;
    const tag = this.port.layoutTag;
    if (tag !== this.tag) {
      lane.violation(`vCPU ${vcpu.id}: layout ${this.tag} became ${tag}${hint(tag)} without a checkpoint`);
    }
    for (let access = 0; access < count; access += 1) {
      if (this.random.below(8) === 0) this.probeHole();
      else this.probeWindow();
    }
    lane.checked(count);
  }

  private probeWindow(): void {
    const { vcpu, lane, job } = this.under;
    const window = this.random.below(WINDOW_COUNT);
    // One in two at the page's start, for a port also remembers single addresses.
    const offset = this.random.below(2) === 0 ? 0 : this.random.below(PAGE_BYTES / 4) << 2;
    const page = pageIn(job.seed, this.tag, window);
    const value = this.port.load32(0, windowAddress(window) + offset);
    const result = this.port.result;
    const expected = page === HOLE ? 0 : wordOf(page, offset);
    if (value === expected && result === (page === HOLE ? MEMTX_DECODE_ERROR : MEMTX_OK)) return;
    lane.violation(
      `vCPU ${vcpu.id}: layout ${this.tag}, window ${window}+0x${offset.toString(16)} gave ` +
        `0x${(value >>> 0).toString(16)}${hint(value)} with result ${result}, expected ` +
        `${page === HOLE ? 'a hole' : `0x${expected.toString(16)} of page ${page}`}`,
    );
  }

  private probeHole(): void {
    const { vcpu, lane } = this.under;
    const window = this.random.below(WINDOW_COUNT);
    const inWindow = windowAddress(window);
    const kind = this.random.below(HOLE_KINDS);
    const hi = kind === 0 ? 1 + this.random.below(1000) : 0;
    const lo = kind === 1 ? inWindow | 0x4000_0000 : kind === 2 ? inWindow + PAGE_BYTES : inWindow;
    const value = this.port.load32(hi, lo);
    if (value === 0 && this.port.result === MEMTX_DECODE_ERROR) return;
    lane.violation(
      `vCPU ${vcpu.id}: layout ${this.tag}, nothing is at ${hi.toString(16)}:${(lo >>> 0).toString(16)}, but it gave ` +
        `0x${(value >>> 0).toString(16)}${hint(value)} with result ${this.port.result}`,
    );
  }
}

const hint = (value: number): string => (value === POISON ? ' (poison: used after it was reclaimed)' : '');
