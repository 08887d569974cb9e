/**
 * Where the IOMMUs that one port meets lead: for each table of mappings a reader of its own, for each address
 * space behind them a slow access of its own, all on the layout that the port uses. One thread's own.
 * Guarantee: refresh() takes the newest of everything that was met since, and reports a change, so that no TLB
 * keeps what an older table said. A chain of IOMMUs ends after CHAIN_MAX: one that leads to itself is a hole.
 *
 * Use: enter(), read the fields, go on in `target`, leave(). What is reached in between overwrites the fields.
 * @source QEMU address_space_translate_iommu: spec section 7.12
 */
import { addressFromHalves, hiFromAddress, loFromAddress } from '../base/addresses.ts';
import { IOMMU_READ, IOMMU_WRITE } from '../base/iommu.ts';
import { MEMTX_DECODE_ERROR, type MemTxResult } from '../base/mem-tx-result.ts';
import { CELL_UNASSIGNED, cellWord } from '../layout/map-entry.ts';
import * as section from '../layout/section-record.ts';
import { pastStart, reach } from './reach.ts';
import type { SlowAccess } from './slow-access.ts';
import { PAGE_MASK, tlbEntry } from './tlb.ts';
import { type PortMemory, ViewReader } from './view-reader.ts';

/** Also counts accesses that devices make in the course of one that came through an IOMMU. */
const CHAIN_MAX = 16;
const ALL_ATTRS = -1;
const PAGE_BYTES = -PAGE_MASK;

/** What a TLB may keep of a page of an IOMMU's section. */
interface PageBehind {
  /** The attributes on which it depends. */
  readonly attrs: number;
  /** The layout has changed meanwhile: nothing may be kept. */
  readonly isOutdated: boolean;
  /** Null if it is not RAM of buffer 0 for all of the page; `addend` as in the TLB. */
  readonly ram: { readonly addend: number; readonly isWritable: boolean } | null;
}

export class IommuPaths {
  /** Why an access does not pass. */
  result: MemTxResult = MEMTX_DECODE_ERROR;
  /** Where it goes on; after an enter() that returned true. */
  target!: SlowAccess;
  hi = 0;
  lo = 0;
  /** IOMMU_READ, IOMMU_WRITE: what the mapping permits. */
  permission = 0;
  /** Bytes from the address on that are answered alike: by the mapping, or by the lack of one. */
  reach = 0;
  /** Bytes before the address of which the same holds. */
  before = 0;
  private readonly memory: PortMemory;
  private readonly makeTarget: (addressSpace: number) => SlowAccess;
  private readonly tables = new Map<number, ViewReader>();
  private readonly targets = new Map<number, SlowAccess>();
  private depth = 0;
  private refreshes = 0;
  /** Between refresh() and forget(): what is met may be looked up. */
  private isAttached = false;

  constructor(memory: PortMemory, makeTarget: (addressSpace: number) => SlowAccess) {
    this.memory = memory;
    this.makeTarget = makeTarget;
  }

  /** Takes the newest tables and views; true if one is another: then nothing that was found may be kept. */
  refresh(): boolean {
    this.isAttached = true;
    this.refreshes += 1;
    let changed = false;
    for (const table of this.tables.values()) changed = table.refreshView() || changed;
    for (const target of this.targets.values()) changed = target.refreshView() || changed;
    if (changed) this.disarm();
    return changed;
  }

  /** Lets go of everything: nothing passes until the next refresh(). */
  forget(): void {
    this.isAttached = false;
    for (const table of this.tables.values()) table.forgetView();
    for (const target of this.targets.values()) target.forgetView();
  }

  /** Forgets the pages behind. */
  disarm(): void {
    for (const target of this.targets.values()) target.forgetPages();
  }

  /**
   * Translates (hi, lo), which lies in the IOMMU's section `cell` of `source`. leave() must follow.
   * @param access what must be permitted: IOMMU_READ, IOMMU_WRITE; 0 asks for whatever is
   * @returns whether the access goes on; if not, `result` and `reach` say why and for how many bytes
   */
  enter(source: SlowAccess, cell: number, hi: number, lo: number, access: number): boolean {
    this.depth += 1;
    this.result = MEMTX_DECODE_ERROR;
    this.permission = 0;
    this.reach = Number.POSITIVE_INFINITY;
    if (this.depth > CHAIN_MAX) return false;
    const { arena } = source;
    const word = cellWord(cell);
    this.reach = reach(source, cell, hi, lo, this.reach);
    this.before = pastStart(arena, cell, hi, lo);
    this.shift(word, hi, lo);
    const passes =
      (arena[word + section.SECTION_FLAGS]! & section.SECTION_FLAG_TRANSLATOR) !== 0
        ? this.askTranslator(source, word, access)
        : this.lookUp(source, word);
    if (!passes || (this.permission & access) !== access) return false;
    this.target.setAttrs(source.attrs);
    return true;
  }

  leave(): void {
    this.depth -= 1;
  }

  /** For the TLB of `source`: where the page of (hi, page) leads. */
  pageBehind(source: SlowAccess, cell: number, hi: number, page: number): PageBehind {
    const { refreshes } = this;
    const passes = this.enter(source, cell, hi, page, IOMMU_READ); // the TLB has no page that only writes pass
    const { target, lo, permission } = this;
    const isPage = passes && this.reach >= PAGE_BYTES && (lo & ~PAGE_MASK) === 0;
    let attrs = this.attrsOf(source, cell);
    let ram: PageBehind['ram'] = null;
    if (isPage) {
      const targetHi = this.hi;
      target.lookup(targetHi, lo);
      attrs |= target.tlbAttrs;
      const { tlb } = target;
      const entry = tlbEntry(targetHi, lo);
      if (tlb[entry] === lo && tlb[entry + 2] === targetHi) {
        const isWritable = (permission & IOMMU_WRITE) !== 0 && tlb[entry + 1] === lo;
        ram = { addend: (tlb[entry + 3]! + lo - page) | 0, isWritable };
      }
    }
    this.leave();
    return { attrs, isOutdated: this.refreshes !== refreshes, ram };
  }

  private attrsOf({ arena }: SlowAccess, cell: number): number {
    const word = cellWord(cell);
    const isTranslator = (arena[word + section.SECTION_FLAGS]! & section.SECTION_FLAG_TRANSLATOR) !== 0;
    return isTranslator ? ALL_ATTRS : section.ruleAttrs(arena[word + section.SECTION_IOMMU_RULE]!);
  }

  /** By the table of mappings, from the address within the region in (this.hi, this.lo). */
  private lookUp({ arena, attrs }: SlowAccess, word: number): boolean {
    const rule = arena[word + section.SECTION_IOMMU_RULE]!;
    const index = section.ruleIndex(rule, attrs);
    if (index >= section.ruleCount(rule)) return false;
    const { hi, lo } = this;
    const table = this.table(arena[word + section.SECTION_IOMMU_ROOT]! + index);
    const cell = table.lookup(hi, lo);
    this.reach = reach(table, cell, hi, lo, this.reach);
    if (cell === CELL_UNASSIGNED) return false;
    const mapping = cellWord(cell);
    const flags = arena[mapping + section.SECTION_FLAGS]!;
    this.before = Math.min(this.before, pastStart(arena, cell, hi, lo));
    this.permission =
      ((flags & section.SECTION_FLAG_IOMMU_READ) !== 0 ? IOMMU_READ : 0) |
      ((flags & section.SECTION_FLAG_IOMMU_WRITE) !== 0 ? IOMMU_WRITE : 0);
    this.shift(mapping, hi, lo);
    this.target = this.behind(arena[mapping + section.SECTION_DEVICE]!);
    return true;
  }

  /** By a translator. Its table is met first: a change of what it would answer comes with another table. */
  private askTranslator({ arena, attrs }: SlowAccess, word: number, access: number): boolean {
    const { translators } = this.memory;
    const translator = arena[word + section.SECTION_DEVICE]!;
    const rule = arena[word + section.SECTION_IOMMU_RULE]!;
    const iova = addressFromHalves(this.hi, this.lo);
    const page = (1n << BigInt(section.rulePageShift(rule))) - 1n;
    const root = arena[word + section.SECTION_IOMMU_ROOT]!;
    const { reach: sectionReach, before } = this; // the translator may access memory by this very port
    const index = translators.indexOf(translator, rule, attrs);
    if (index >= 0) this.table(root + index);
    const answer = index < 0 ? null : translators.translate(translator, iova, access, index);
    const mask = answer?.mask ?? page;
    this.result = translators.result;
    this.permission = answer?.permission ?? 0;
    this.reach = Math.min(sectionReach, Number(mask - (iova & mask) + 1n));
    this.before = Math.min(before, Number(iova & mask));
    if (answer === null) return false;
    const translated = (answer.translated & ~mask) | (iova & mask);
    this.hi = hiFromAddress(translated);
    this.lo = loFromAddress(translated);
    this.target = this.behind(answer.addressSpace);
    return this.permission !== 0;
  }

  /** Leaves in (this.hi, this.lo) the offset of (hi, lo), which the record at `word` covers, in what it shows. */
  private shift(word: number, hi: number, lo: number): void {
    const { arena } = this.memory;
    const startLo = arena[word + section.SECTION_START_LO]!;
    const low = (arena[word + section.SECTION_REGION_OFFSET_LO]! >>> 0) + ((lo - startLo) >>> 0);
    const borrow = lo >>> 0 < startLo >>> 0 ? 1 : 0;
    const carry = low >= 2 ** 32 ? 1 : 0;
    const distanceHi = hi - arena[word + section.SECTION_START_HI]! - borrow;
    this.hi = (arena[word + section.SECTION_REGION_OFFSET_HI]! + distanceHi + carry) | 0;
    this.lo = low | 0;
  }

  private table(root: number): ViewReader {
    const known = this.tables.get(root);
    if (known !== undefined) return known;
    const table = new ViewReader(this.memory, root);
    if (this.isAttached) table.refreshView();
    this.tables.set(root, table);
    return table;
  }

  private behind(addressSpace: number): SlowAccess {
    const known = this.targets.get(addressSpace);
    if (known !== undefined) return known;
    const target = this.makeTarget(addressSpace);
    if (this.isAttached) target.refreshView();
    this.targets.set(addressSpace, target);
    return target;
  }
}
