/**
 * Makes radix maps (layout/map-entry.ts) out of others: the path to what has changed is new, the rest is shared.
 * Control thread only.
 * Guarantee: a map depends on its sections alone, not on how it came about. It has the fewest nodes that tell them
 * apart: what holds one section is a leaf, and what lies in one child of a node needs no node.
 */
import { hiFromAddress, loFromAddress } from '../base/addresses.ts';
import {
  cellWord,
  entryCell,
  entryIsNode,
  entryLevel,
  firstSectionUnder,
  indexAt,
  LEVEL_BITS,
  leafEntry,
  NODE_ENTRIES,
} from '../layout/map-entry.ts';
import * as section from '../layout/section-record.ts';
import { type CellStore, ENTRY_UNASSIGNED } from './cell-store.ts';

/** An address as two halves, int32 each. */
interface Point {
  readonly hi: number;
  readonly lo: number;
}

/** Both inclusive. */
interface Span {
  readonly first: Point;
  readonly last: Point;
}

const UNASSIGNED_ENTRIES: readonly number[] = Array.from({ length: NODE_ENTRIES }, () => ENTRY_UNASSIGNED);
const EVERYWHERE: Span = { first: { hi: 0, lo: 0 }, last: { hi: -1, lo: -1 } };

const isBelow = (a: Point, b: Point): boolean =>
  a.hi === b.hi ? a.lo >>> 0 < b.lo >>> 0 : a.hi >>> 0 < b.hi >>> 0;
const lower = (a: Point, b: Point): Point => (isBelow(b, a) ? b : a);
const higher = (a: Point, b: Point): Point => (isBelow(a, b) ? b : a);
const meets = (a: Span, b: Span): boolean => !isBelow(a.last, b.first) && !isBelow(b.last, a.first);
const covers = (a: Span, b: Span): boolean => !isBelow(b.first, a.first) && !isBelow(a.last, b.last);
const common = (a: Span, b: Span): Span => ({
  first: higher(a.first, b.first),
  last: lower(a.last, b.last),
});
const around = (a: Span, b: Span): Span => ({ first: lower(a.first, b.first), last: higher(a.last, b.last) });

/** What an entry of a node of `level` spans, or all of a node of `level - 1`: 16^level addresses with `at` in their midst. */
function spanAround({ hi, lo }: Point, level: number): Span {
  const bits = level * LEVEL_BITS;
  if (bits === 64) return EVERYWHERE;
  const hiMask = bits <= 32 ? 0 : (1 << (bits - 32)) - 1;
  const loMask = bits >= 32 ? -1 : (1 << bits) - 1;
  return { first: { hi: hi & ~hiMask, lo: lo & ~loMask }, last: { hi: hi | hiMask, lo: lo | loMask } };
}

/** The lowest level of which a node holds both ends of `span`. */
function levelOf({ first, last }: Span): number {
  const hi = first.hi ^ last.hi;
  if (hi !== 0) return 8 + ((31 - Math.clz32(hi)) >>> 2);
  const lo = first.lo ^ last.lo;
  return lo === 0 ? 0 : (31 - Math.clz32(lo)) >>> 2;
}

const indexOf = ({ hi, lo }: Point, level: number): number => indexAt(hi, lo, level);

const childSpan = (node: Span, level: number, index: number): Span => {
  const shift = (level & 7) * LEVEL_BITS;
  const { hi, lo } = node.first;
  return spanAround(level < 8 ? { hi, lo: lo | (index << shift) } : { hi: hi | (index << shift), lo }, level);
};

export class MapEditor {
  private readonly store: CellStore;
  /** Of the replacement in progress: what vanishes, and what comes. */
  private window: Span = EVERYWHERE;
  private cells: readonly number[] = [];

  constructor(store: CellStore) {
    this.store = store;
  }

  /**
   * A map with other sections in `[start, end)`.
   * @param mapRoot its sections lie whole in the window, or whole outside
   * @param cells of the sections there, ascending and disjoint
   * @throws MemoryError ARENA_FULL; what was made is to be undone in the store
   */
  replace(mapRoot: number, start: bigint, end: bigint, cells: readonly number[]): number {
    const last = end - 1n;
    this.window = {
      first: { hi: hiFromAddress(start), lo: loFromAddress(start) },
      last: { hi: hiFromAddress(last), lo: loFromAddress(last) },
    };
    this.cells = cells;
    return this.edit(mapRoot, EVERYWHERE, 0, cells.length);
  }

  /**
   * @param known stands for what was in `span`, which meets the window
   * @param from @param past which of the new sections meet it
   */
  private edit(known: number, span: Span, from: number, past: number): number {
    const old = this.keeps(known, span) ? known : ENTRY_UNASSIGNED;
    const isNew = past > from;
    if (!isNew && !entryIsNode(old)) return old;
    if (past - from === 1 && old === ENTRY_UNASSIGNED) return leafEntry(this.cells[from]!);
    let place: Span | null = old === ENTRY_UNASSIGNED ? null : this.placeOf(old, span);
    if (place !== null && !isNew && !meets(place, this.window)) return old;
    if (isNew) {
      const news: Span = {
        first: this.extentOf(this.cells[from]!).first,
        last: this.extentOf(this.cells[past - 1]!).last,
      };
      const shown = common(news, span);
      place = place === null ? shown : around(place, shown);
    }
    const level = levelOf(place!);
    return this.node(old, level, spanAround(place!.first, level + 1), from, past);
  }

  /** The node of `level` over `span`, or what stands for it. */
  private node(old: number, level: number, span: Span, from: number, past: number): number {
    const entries = this.childrenOf(old, level, span);
    const { first, last } = common(this.window, span);
    let next = from;
    for (let index = indexOf(first, level); index <= indexOf(last, level); index += 1) {
      const child = childSpan(span, level, index);
      while (next < past && isBelow(this.extentOf(this.cells[next]!).last, child.first)) next += 1;
      let end = next;
      while (end < past && !isBelow(child.last, this.extentOf(this.cells[end]!).first)) end += 1;
      entries[index] = this.edit(entries[index]!, child, next, end);
    }
    return this.store.node(level, entries);
  }

  /** The entries that a node of `level` over `span` has, or would have, if it is all that `entry` stands for. */
  private childrenOf(entry: number, level: number, span: Span): number[] {
    const entries = UNASSIGNED_ENTRIES.slice();
    if (entryIsNode(entry) && entryLevel(entry) === level) {
      const word = cellWord(entryCell(entry));
      for (let index = 0; index < NODE_ENTRIES; index += 1) entries[index] = this.store.words[word + index]!;
      return entries;
    }
    if (entry !== ENTRY_UNASSIGNED) {
      const { first, last } = this.placeOf(entry, span);
      const past = indexOf(last, level) + 1;
      for (let index = indexOf(first, level); index < past; index += 1) entries[index] = entry;
    }
    return entries;
  }

  /** Whether something in `span` that `entry` stands for stays. */
  private keeps(entry: number, span: Span): boolean {
    if (entry === ENTRY_UNASSIGNED || covers(this.window, span)) return false;
    return entryIsNode(entry) || !covers(this.window, this.extentOf(entryCell(entry)));
  }

  /** Where in `span` is what `entry` stands for. */
  private placeOf(entry: number, span: Span): Span {
    if (!entryIsNode(entry)) return common(this.extentOf(entryCell(entry)), span);
    const { first } = this.extentOf(firstSectionUnder(this.store.words, entry));
    return spanAround(higher(first, span.first), entryLevel(entry) + 1);
  }

  private extentOf(cell: number): Span {
    const { words } = this.store;
    const word = cellWord(cell);
    return {
      first: { hi: words[word + section.SECTION_START_HI]!, lo: words[word + section.SECTION_START_LO]! },
      last: { hi: words[word + section.SECTION_LAST_HI]!, lo: words[word + section.SECTION_LAST_LO]! },
    };
  }
}
