/**
 * The map that QEMU 7.2 builds over a flat view to find what answers at an address: a radix of 9 bits a level over
 * pages, and a container for each page that several ranges share. This is a model of it for `info mtree -f -d` and
 * nothing more: our own vCPUs walk another map (docs/decisions/0002), but what people compare, line by line,
 * with a machine of theirs is QEMU's.
 * Guarantee: pure, and linear in the ranges: a node holds runs of equal entries, not its 512 entries. Sections and
 * nodes have QEMU's numbers. Nodes that skipping makes unreachable stay, as they do there.
 * @source observed behaviour of QEMU 7.2
 */
import { ADDRESS_LAST } from '../base/addresses.ts';
import { describeValue } from '../base/arguments.ts';
import { assert } from '../base/assert.ts';
import { MemoryError } from '../base/errors.ts';
import type { MemoryRegion } from '../model/memory-region.ts';
import type { FlatRange, FlatView } from '../render/flat-view.ts';
import { isIommuName } from './iommu-names.ts';

/** Pages of QEMU's targets have 2^8 (avr) to 2^14 bytes; the number of levels is meant for up to 2^18. */
export const PAGE_BITS_MIN = 8;
export const PAGE_BITS_MAX = 18;
export const PAGE_BITS_DEFAULT = 12;

export const LEVEL_BITS = 9;
const ENTRIES = 1 << LEVEL_BITS;
/** QEMU keeps the number of a section in 16 bits. */
const SECTIONS_MAX = 1 << 16;
const SECTION_UNASSIGNED = 0;

export interface DispatchSection {
  readonly start: bigint;
  readonly last: bigint;
  /** Null for what QEMU makes itself: section 0, unassigned, and the containers of shared pages. */
  readonly region: MemoryRegion | null;
  /** Whether the region is the view's root. */
  readonly root: boolean;
  readonly iommu: boolean;
}

export interface DispatchEntry {
  /** Levels down to the node that `pointer` names; 0 where it names a section. */
  skip: number;
  /** Null where nothing is mapped. */
  pointer: number | null;
}

/** Equal entries of a node, from `first` to `last`. */
export interface DispatchRun extends DispatchEntry {
  readonly first: number;
  last: number;
}

export type DispatchNode = readonly Readonly<DispatchRun>[];

interface NodeDraft {
  /** 0 where the entries stand for single pages. */
  readonly level: number;
  readonly runs: DispatchRun[];
}

export interface DispatchTree {
  readonly pageBits: number;
  readonly levels: number;
  readonly sections: readonly DispatchSection[];
  readonly root: Readonly<DispatchEntry>;
  readonly nodes: readonly DispatchNode[];
}

/**
 * @param pageBits pages of 2^pageBits bytes, as QEMU's target has them
 * @throws MemoryError INVALID_ARGUMENT for page bits out of bounds, RENDER_TOO_LARGE for more sections than QEMU can number
 */
export function dispatchTreeOf(view: FlatView, pageBits: number = PAGE_BITS_DEFAULT): DispatchTree {
  if (!Number.isInteger(pageBits) || pageBits < PAGE_BITS_MIN || pageBits > PAGE_BITS_MAX) {
    throw new MemoryError(
      'INVALID_ARGUMENT',
      `page bits must be a whole number from ${PAGE_BITS_MIN} to ${PAGE_BITS_MAX}, got ${describeValue(pageBits)}`,
    );
  }
  const builder = new DispatchBuilder(view.root, pageBits);
  for (const range of view.ranges) builder.add(range);
  return builder.finish();
}

class DispatchBuilder {
  private readonly viewRoot: MemoryRegion | null;
  private readonly pageBits: number;
  private readonly levels: number;
  private readonly sections: DispatchSection[] = [];
  private readonly root: DispatchEntry = { skip: 1, pointer: null };
  private readonly nodes: NodeDraft[] = [];
  /** The page whose container was made last; ranges ascend, so no earlier one is shared any more. */
  private sharedPage: bigint | null = null;

  constructor(viewRoot: MemoryRegion | null, pageBits: number) {
    this.viewRoot = viewRoot;
    this.pageBits = pageBits;
    this.levels = Math.floor((64 - pageBits - 1) / LEVEL_BITS) + 1;
    this.section(0n, ADDRESS_LAST, null);
  }

  /** Cuts the range at page borders: head, whole pages, tail. */
  add({ start, size, region }: FlatRange): void {
    const bits = BigInt(this.pageBits);
    const end = start + size;
    const firstWhole = (start + (1n << bits) - 1n) >> bits;
    const endWhole = end >> bits;
    if (firstWhole > endWhole) {
      this.partOfPage(start, end, region);
      return;
    }
    const middleStart = firstWhole << bits;
    const middleEnd = endWhole << bits;
    if (start < middleStart) this.partOfPage(start, middleStart, region);
    if (middleStart < middleEnd) {
      this.map(firstWhole, endWhole - 1n, this.section(middleStart, middleEnd - 1n, region));
    }
    if (middleEnd < end) this.partOfPage(middleEnd, end, region);
  }

  finish(): DispatchTree {
    this.compact(this.root);
    const { pageBits, levels, sections, root } = this;
    return { pageBits, levels, sections, root, nodes: this.nodes.map(nodeFromDraft) };
  }

  private partOfPage(start: bigint, end: bigint, region: MemoryRegion): void {
    const bits = BigInt(this.pageBits);
    const page = start >> bits;
    if (page !== this.sharedPage) {
      this.sharedPage = page;
      this.map(page, page, this.section(page << bits, ((page + 1n) << bits) - 1n, null));
    }
    this.section(start, end - 1n, region);
  }

  private section(start: bigint, last: bigint, region: MemoryRegion | null): number {
    if (this.sections.length === SECTIONS_MAX) {
      throw new MemoryError(
        'RENDER_TOO_LARGE',
        `the view of '${this.viewRoot?.name}' has more than ${SECTIONS_MAX} sections, more than QEMU can number; ask for no dispatch tree`,
      );
    }
    const root = region !== null && region === this.viewRoot;
    const iommu = region?.kind === 'iommu' || (region?.kind === 'io' && isIommuName(region.name));
    return this.sections.push({ start, last, region, root, iommu }) - 1;
  }

  private map(firstPage: bigint, lastPage: bigint, section: number): void {
    this.descend(this.root, this.levels - 1, firstPage, lastPage, section);
  }

  /** Maps pages that are counted from the start of the node at `level` to which `entry` points. */
  private descend(
    entry: DispatchEntry,
    level: number,
    firstPage: bigint,
    lastPage: bigint,
    section: number,
  ): void {
    entry.pointer ??= this.nodes.push({ level, runs: [] }) - 1;
    const { runs } = this.nodes[entry.pointer]!;
    const shift = BigInt(level * LEVEL_BITS);
    for (let page = firstPage; page <= lastPage; ) {
      const first = Number(page >> shift);
      const start = BigInt(first) << shift;
      const whole = page === start ? Number((lastPage + 1n - page) >> shift) : 0;
      if (whole > 0) {
        runs.push({ first, last: first + whole - 1, skip: 0, pointer: section });
        page += BigInt(whole) << shift;
        continue;
      }
      const nextStart = start + (1n << shift);
      const last = lastPage < nextStart ? lastPage : nextStart - 1n;
      this.descend(this.childEntry(runs, first), level - 1, page - start, last - start, section);
      page = last + 1n;
    }
  }

  /** Pages come in ascending order, so an entry that has a node already is the last one. */
  private childEntry(runs: DispatchRun[], index: number): DispatchEntry {
    const latest = runs.at(-1);
    if (latest?.last === index) {
      assert(latest.skip > 0, 'a page is mapped once');
      return latest;
    }
    const entry = { first: index, last: index, skip: 1, pointer: null };
    runs.push(entry);
    return entry;
  }

  /** Deepest first: an entry whose node has one entry in use takes that one's place. */
  private compact(entry: DispatchEntry): void {
    if (entry.pointer === null) return;
    const { level, runs } = this.nodes[entry.pointer]!;
    for (const run of runs) if (run.skip > 0) this.compact(run);
    const only = runs[0]!;
    const inUse = level === 0 ? ENTRIES : runs.length + (only.last - only.first);
    if (inUse > 1) return;
    entry.pointer = only.pointer;
    entry.skip = only.skip === 0 ? 0 : entry.skip + only.skip;
  }
}

/**
 * All entries of a node: what nothing was mapped to is section 0 in a node of pages, nothing in a node above.
 * Neighbours are one run where skipping has made them equal.
 */
function nodeFromDraft({ level, runs }: NodeDraft): DispatchNode {
  const gap: DispatchEntry =
    level === 0 ? { skip: 0, pointer: SECTION_UNASSIGNED } : { skip: 1, pointer: null };
  const node: DispatchRun[] = [];
  let next = 0;
  for (const run of runs) {
    if (run.first > next) node.push({ first: next, last: run.first - 1, ...gap });
    const before = node.at(-1);
    if (before?.skip === run.skip && before.pointer === run.pointer) before.last = run.last;
    else node.push({ ...run });
    next = run.last + 1;
  }
  if (next < ENTRIES) node.push({ first: next, last: ENTRIES - 1, ...gap });
  return node;
}
