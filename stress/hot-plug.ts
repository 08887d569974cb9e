/**
 * RAM that comes and goes, as a function of the step's number: each step adds a region to a slot or removes
 * the one that is there. The control thread does it, vCPUs replay it up to the layout that they are on.
 */
export const SLOT_COUNT = 16;
export const SLOT_BYTES = 0x40_0000;
export const SLOTS_BASE = 0x4000_0000;
const PAGE_BYTES = 4096;
/** Larger than the machine's reserve for RAM, so it gets a buffer of its own. */
export const LARGE_BYTES = 0x14_0000;
export const RESERVE_BYTES = 0x10_0000;
/** Words at the start of a region that belong to one vCPU each, by its number. */
export const PRIVATE_WORDS = 64;

export interface PluggedRam {
  /** The step that added it. */
  readonly step: number;
  readonly slot: number;
  readonly sizeBytes: number;
}

export const slotAddress = (slot: number): number => SLOTS_BASE + slot * SLOT_BYTES;

/** What the word at `offset` holds from the start; 0 for the private words. */
export const ramWordOf = (step: number, offset: number): number =>
  offset < 4 * PRIVATE_WORDS ? 0 : ((step & 0x7ffff) << 12) | ((offset >> 2) & 0xfff);

/** Byte offsets of the pages that are filled: the first and the last. */
export const filledPages = ({ sizeBytes }: PluggedRam): readonly number[] =>
  sizeBytes === PAGE_BYTES ? [0] : [0, sizeBytes - PAGE_BYTES];

export class HotPlug {
  /** Steps taken. */
  step = 0;
  /** What is in each slot. */
  readonly slots: (PluggedRam | null)[] = Array.from({ length: SLOT_COUNT }, () => null);
  private readonly seed: number;

  constructor(seed: number) {
    this.seed = seed;
  }

  /** Takes the next step; `was` was removed, or `is` added. */
  next(): { readonly was: PluggedRam | null; readonly is: PluggedRam | null } {
    this.step += 1;
    const hash = this.hash();
    const slot = hash % SLOT_COUNT;
    const was = this.slots[slot]!;
    const isLarge = (hash >>> 8) % 16 === 0;
    const sizeBytes = isLarge ? LARGE_BYTES : PAGE_BYTES * (1 + ((hash >>> 16) % 4));
    const is = was === null ? { step: this.step, slot, sizeBytes } : null;
    this.slots[slot] = is;
    return { was, is };
  }

  private hash(): number {
    let hash = Math.imul(this.step ^ this.seed, 0x9e3779b1);
    hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b);
    return (hash ^ (hash >>> 13)) >>> 0;
  }
}
