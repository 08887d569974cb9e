/**
 * A vCPU that caches what it read from a page of code, and one that writes that page and then says so. Each writer has
 * a word of the page, which it counts up, and a word elsewhere, which it sets after the store.
 */
import type { Vcpu } from '../../../src/vcpu/vcpu.ts';

export const CODE = 0x4000;
export const SAID = 0x8000;
/** The second vCPU and the control thread. */
export const WRITERS = 2;

export type Role = 'translator' | 'writer';

/** What the translator saw. */
export interface Translations {
  /** Questions that were answered: intact. */
  readonly intact: number;
  /** Of those, how often a cached word was older than what had been said to be written. */
  readonly stale: number;
  /** How often the page was read anew, and kept. */
  readonly kept: number;
}

export default function program(vcpu: Vcpu, role: Role): Translations | number {
  return role === 'writer' ? write(vcpu) : translate(vcpu);
}

const STORES = 40;

/** Stores fast for a while, so that its stores are armed, then leaves the page alone for a while. */
function write(vcpu: Vcpu): number {
  const { memory } = vcpu;
  let count = 0;
  while (vcpu.checkpoint()) {
    for (let left = STORES; left > 0; left -= 1) {
      count += 1;
      memory.store32(0, CODE, count);
      memory.atomicSwap32(0, SAID, count);
    }
    for (let turn = 0; turn < 30; turn += 1) {
      if (!vcpu.checkpoint()) return count;
      for (let spin = 0; spin < 2000; spin += 1) memory.load32(0, CODE);
    }
  }
  return count;
}

function translate(vcpu: Vcpu): Translations {
  const { memory, code } = vcpu;
  const cached = new Int32Array(WRITERS);
  let intact = 0;
  let stale = 0;
  let kept = 0;
  while (vcpu.checkpoint()) {
    const said = Array.from(cached, (_, writer) => memory.atomicAdd32(0, SAID + 4 * writer, 0));
    if (code.isIntact(memory, 0, CODE, 4 * WRITERS)) {
      intact += 1;
      if (said.some((value, writer) => cached[writer]! < value)) stale += 1;
    } else if (code.protect(memory, 0, CODE, 4 * WRITERS)) {
      kept += 1;
      for (let writer = 0; writer < WRITERS; writer += 1)
        cached[writer] = memory.load32(0, CODE + 4 * writer);
    }
  }
  return { intact, stale, kept };
}
