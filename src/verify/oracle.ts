/**
 * Who answers at an address, by the literal visibility rule: down the region tree from the root, the first
 * child that answers wins, and what no child answers is the region's own. It shares nothing with src/render
 * and the radix map, which are what it judges.
 *
 * Guarantee: the answer is the same at every address of its span, which is what the comparisons on the way
 * down leave of the address space; it may be smaller than the range that a flat view shows.
 */
import { ADDRESS_LAST } from '../base/addresses.ts';
import { MemoryError } from '../base/errors.ts';
import type { MemoryRegion } from '../model/memory-region.ts';
import { DEPTH_MAX } from '../model/visit-budget.ts';

/** What a guest finds at one address. */
export interface Answer {
  /** Null in a hole. */
  readonly region: MemoryRegion | null;
  /** Byte of the region; 0 in a hole. */
  readonly offset: bigint;
  /** True if anything on the way from the root is readonly. */
  readonly readonly: boolean;
  /** First and last address around it with the same answer, at least. */
  readonly first: bigint;
  readonly last: bigint;
}

/** Regions looked at for one layout; a machine of hundreds of regions needs a hundredth. */
const VISITS_MAX = 100_000_000;

/**
 * The region where the view of an address space begins: what only wraps another region is passed over,
 * with its flags. Null where nothing is shown.
 * @source observed behaviour of QEMU 7.2: which address spaces share a view
 */
export function physicalRoot(root: MemoryRegion | null): MemoryRegion | null {
  let region = root;
  for (let depth = 0; region?.enabled && depth <= DEPTH_MAX; depth += 1) {
    const target: MemoryRegion | null = region.aliasTarget;
    if (target === null && region.terminates) return region;
    const shown: readonly MemoryRegion[] =
      target === null ? region.children.filter((child) => child.enabled) : [target];
    const [only] = shown;
    if (only === undefined) return null;
    const startsWithIt = target === null ? only.address === 0n : region.aliasOffset === 0n;
    if (shown.length > 1 || !startsWithIt || only.size > region.size) return region;
    region = only;
  }
  return null;
}

/** Answers for one address space. Valid until the tree changes: make another one then. */
export class Oracle {
  /** The view's root; null where nothing answers. */
  readonly root: MemoryRegion | null;
  private address = 0n;
  private first = 0n;
  private last = 0n;
  private answer: Answer = { region: null, offset: 0n, readonly: false, first: 1n, last: 0n };
  private visits = 0;

  constructor(root: MemoryRegion | null) {
    this.root = physicalRoot(root);
  }

  at(address: bigint): Answer {
    const { answer } = this;
    if (address < answer.first || address > answer.last) return this.ask(address);
    if (answer.region === null || address === this.address) return answer;
    return { ...answer, offset: answer.offset + (address - this.address) };
  }

  private ask(address: bigint): Answer {
    this.address = address;
    this.first = 0n;
    this.last = ADDRESS_LAST;
    const { root } = this;
    const found = root === null ? null : this.search(root, root.address, false, 1);
    const { first, last } = this;
    this.answer = { ...(found ?? { region: null, offset: 0n, readonly: false }), first, last };
    return this.answer;
  }

  /** @param base where the region's byte 0 is; negative, or past 2^64, where an alias shows a part of it */
  private search(
    region: MemoryRegion,
    base: bigint,
    readonlyAbove: boolean,
    depth: number,
  ): Pick<Answer, 'region' | 'offset' | 'readonly'> | null {
    this.spend(region, depth);
    if (!region.enabled || !this.covers(base, base + region.size)) return null;
    const readonly = readonlyAbove || region.readonly;
    const target = region.aliasTarget;
    if (target !== null) return this.search(target, base - region.aliasOffset, readonly, depth + 1);
    for (const child of region.children) {
      const found = this.search(child, base + child.address, readonly, depth + 1);
      if (found !== null) return found;
    }
    return region.terminates ? { region, offset: this.address - base, readonly } : null;
  }

  /** Whether the address is in `[start, end)`; the span shrinks to the side of both where it is. */
  private covers(start: bigint, end: bigint): boolean {
    const { address } = this;
    if (address < start) {
      if (start <= this.last) this.last = start - 1n;
      return false;
    }
    if (address >= end) {
      if (end > this.first) this.first = end;
      return false;
    }
    if (start > this.first) this.first = start;
    if (end <= this.last) this.last = end - 1n;
    return true;
  }

  private spend(region: MemoryRegion, depth: number): void {
    if (depth > DEPTH_MAX) {
      throw new MemoryError(
        'RENDER_TOO_DEEP',
        `region '${region.name}' is more than ${DEPTH_MAX} containers and aliases below the root; nest less`,
      );
    }
    this.visits += 1;
    if (this.visits > VISITS_MAX) {
      throw new MemoryError(
        'RENDER_TOO_LARGE',
        `gave up at region '${region.name}': aliases of aliases multiply what is to be verified; use fewer`,
      );
    }
  }
}
