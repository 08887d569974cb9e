/**
 * A region tree in plain records that changes at random, as a function of a seed and a step's number: regions move,
 * come, go, are resized, hidden, flagged, and show other parts of each other. Control thread and vCPUs compute it
 * for themselves. It knows nothing of MemoryRegion: what it says is what the engine is judged by (literal-view.ts).
 */
import { Random } from '../src/verify/random.ts';

export type TreeFlag = 'enabled' | 'readonly' | 'nonvolatile' | 'unmergeable';

export interface Place {
  readonly parent: number;
  readonly address: bigint;
  readonly priority: number;
  /** Among siblings of one priority the highest is in front. */
  readonly rank: number;
}

export interface TreeRegion {
  readonly kind: 'container' | 'ram' | 'alias';
  /** The region that an alias shows: one of a higher index, so none shows itself. Null for all others. */
  readonly target: number | null;
  aliasOffset: bigint;
  size: bigint;
  /** Null where it has no container; the parent is of a lower index. */
  place: Place | null;
  readonly flags: Record<TreeFlag, boolean>;
}

export type TreeChange =
  | { readonly what: 'map'; readonly region: number; readonly place: Place }
  | { readonly what: 'unmap'; readonly region: number }
  | { readonly what: 'move'; readonly region: number; readonly address: bigint }
  | { readonly what: 'resize'; readonly region: number; readonly size: bigint }
  | { readonly what: 'turn'; readonly region: number; readonly aliasOffset: bigint }
  | { readonly what: 'flag'; readonly region: number; readonly flag: TreeFlag; readonly value: boolean };

export const ROOT = 0;
/** A window that shows another page of its RAM after each step: no two layouts in a row are equal. */
const MARKER = 1;
/** Two windows, side by side, onto neighbouring pages: one range or two, by their flags, which are all that changes. */
const PAIR: readonly number[] = [2, 3];
const FIXED_RAM = 4;
/** The first of which everything changes. */
const FREE = 5;
const FIXED_AT = 0x8000_0000n;
const PAGE = 0x1000n;
const REGION_COUNT = 30;
const SIZE_2_64 = 2n ** 64n;
/** Down to words, so that sections share pages; all are multiples of 4, so no access of a word crosses two. */
const GRANULES: readonly bigint[] = [4n, 0x10n, 0x100n, PAGE, PAGE];
const RAM_SIZES: readonly bigint[] = [0x40n, 0x400n, PAGE, PAGE, 3n * PAGE, 8n * PAGE];
const FAR: readonly bigint[] = [0n, 0n, 0n, 0n, 0n, 2n ** 32n - 0x8000n, 2n ** 40n, SIZE_2_64 - 0x4_0000n];
const CHANGES_MAX = 4;

/** The word at byte `offset` of RAM region `region`: tells both. */
export const treeWord = (region: number, offset: number): number =>
  0x4000_0000 | (region << 16) | (offset >> 2);

export class RandomTree {
  readonly regions: readonly TreeRegion[];
  /** Changes that lead from regions without containers to the first layout; done already. */
  readonly initial: readonly TreeChange[];
  step = 0;
  private readonly random: Random;
  private ranks = 0;
  private children: readonly (readonly number[])[] | null = null;

  constructor(seed: number) {
    this.random = new Random(seed);
    this.regions = Array.from({ length: REGION_COUNT }, (_, index) => this.region(index));
    const fixed = [MARKER, ...PAIR, FIXED_RAM];
    const initial = fixed.map((region, index) => this.mapAt(region, FIXED_AT + BigInt(index) * PAGE));
    for (let region = FREE; region < REGION_COUNT; region += 1)
      if (this.random.below(4) > 0) initial.push(this.map(region));
    this.initial = initial;
    for (const change of initial) this.perform(change);
  }

  /** Takes the next step and says what it did. */
  next(): readonly TreeChange[] {
    this.step += 1;
    const changes: TreeChange[] = [
      { what: 'turn', region: MARKER, aliasOffset: BigInt(this.step % 2) * PAGE },
    ];
    this.perform(changes[0]!);
    for (let more = 1 + this.random.below(CHANGES_MAX); more > 0; more -= 1) {
      const change = this.change(PAIR[0]! + this.random.below(REGION_COUNT - PAIR[0]!));
      this.perform(change);
      changes.push(change);
    }
    return changes;
  }

  /** Of each region its children, in the order in which they hide each other. */
  get childrenByParent(): readonly (readonly number[])[] {
    this.children ??= this.regions.map((_, parent) =>
      this.regions
        .flatMap(({ place }, index) => (place?.parent === parent ? [{ index, place }] : []))
        .sort((a, b) => b.place.priority - a.place.priority || b.place.rank - a.place.rank)
        .map(({ index }) => index),
    );
    return this.children;
  }

  private region(index: number): TreeRegion {
    const flags = { enabled: true, readonly: false, nonvolatile: false, unmergeable: false };
    const plain = { target: null, aliasOffset: 0n, place: null, flags };
    if (index === ROOT) return { ...plain, kind: 'container', size: SIZE_2_64 };
    if (index === FIXED_RAM) return { ...plain, kind: 'ram', size: 4n * PAGE };
    if (index < FIXED_RAM) {
      const aliasOffset = BigInt(index) * PAGE; // the marker's is turned at once
      return { ...plain, kind: 'alias', target: FIXED_RAM, aliasOffset, size: PAGE };
    }
    // The last one is RAM, for an alias before it to show.
    const kind =
      index === REGION_COUNT - 1
        ? 'ram'
        : this.random.pick(['container', 'container', 'ram', 'ram', 'ram', 'alias', 'alias'] as const);
    if (kind === 'ram') return { ...plain, kind, size: this.random.pick(RAM_SIZES) };
    if (kind === 'container') return { ...plain, kind, size: this.size(PAGE) };
    const target = index + 1 + this.random.below(REGION_COUNT - index - 1);
    return { ...plain, kind, target, aliasOffset: this.offset(), size: this.size() };
  }

  private change(region: number): TreeChange {
    const { kind, place } = this.regions[region]!;
    if (place === null) return this.map(region);
    if (region < FREE) return this.turnFlag(region);
    const choice = this.random.below(10);
    if (choice < 3) return { what: 'move', region, address: this.address(place.parent) };
    if (choice === 3) return { what: 'unmap', region };
    if (choice < 6 && kind === 'alias') return { what: 'turn', region, aliasOffset: this.offset() };
    if (choice < 7 && kind !== 'ram') return { what: 'resize', region, size: this.size() };
    return this.turnFlag(region);
  }

  private turnFlag(region: number): TreeChange {
    const flag = this.random.pick(['enabled', 'enabled', 'readonly', 'nonvolatile', 'unmergeable'] as const);
    return { what: 'flag', region, flag, value: !this.regions[region]!.flags[flag] };
  }

  private map(region: number): TreeChange {
    // Most lie in the root, which is seen for certain; an alias has no children.
    const parents = this.regions.flatMap(({ kind }, index) =>
      index < region && index !== FIXED_RAM && kind !== 'alias' ? [index, ROOT] : [],
    );
    return this.mapAt(region, null, this.random.pick(parents));
  }

  private mapAt(region: number, address: bigint | null, parent = ROOT): TreeChange {
    this.ranks += 1;
    const priority = this.random.below(3) - 1;
    const place = { parent, address: address ?? this.address(parent), priority, rank: this.ranks };
    return { what: 'map', region, place };
  }

  private perform(change: TreeChange): void {
    const region = this.regions[change.region]!;
    this.children = null;
    if (change.what === 'map') region.place = change.place;
    else if (change.what === 'unmap') region.place = null;
    else if (change.what === 'resize') region.size = change.size;
    else if (change.what === 'turn') region.aliasOffset = change.aliasOffset;
    else if (change.what === 'flag') region.flags[change.flag] = change.value;
    else if (region.place!.address !== change.address) {
      this.ranks += 1; // who moves comes in front of its equals
      region.place = { ...region.place!, address: change.address, rank: this.ranks };
    }
  }

  private offset(): bigint {
    return this.random.pick(GRANULES) * BigInt(this.random.below(16));
  }

  private address(parent: number): bigint {
    const near = this.random.pick(GRANULES) * BigInt(this.random.below(64));
    return parent === ROOT ? this.random.pick(FAR) + near : near;
  }

  private size(granule = this.random.pick(GRANULES)): bigint {
    if (this.random.below(16) === 0) return SIZE_2_64;
    return granule * BigInt(1 + this.random.below(48));
  }
}
