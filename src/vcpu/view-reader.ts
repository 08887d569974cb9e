/**
 * What a port holds of the published layout: the view that it uses, a TLB of pages found in it, and the cells of
 * addresses in pages that have several. One thread's own; nothing shared is written.
 * Guarantee: lookup() answers by the view that the last refresh() took, until the next.
 */
import { DIRTY_CLIENT_CODE } from '../base/dirty-log.ts';
import { MEMTXATTRS_MEMORY, MEMTXATTRS_UNSPECIFIED, type MemTxAttrs } from '../base/mem-tx-attrs.ts';
import { findSection, isHolePage, sectionCovers } from '../dispatch/find-section.ts';
import { rootWord, type SharedWords } from '../layout/control-block.ts';
import { DIRTY_ALL_CLIENTS, dirtyPage, markDirtyPages, pagesAreDirty } from '../layout/dirty-bitmap.ts';
import { CELL_UNASSIGNED, CELL_WORDS, cellWord, leafEntry } from '../layout/map-entry.ts';
import * as section from '../layout/section-record.ts';
import { VIEW_LAYOUT_TAG, VIEW_MAP_ROOT, VIEW_VERSION } from '../layout/view-header.ts';
import { CELL_UNKNOWN, CellCache } from './cell-cache.ts';
import { DeltaReader } from './delta-reader.ts';
import type { RamView, RamViews } from './ram-views.ts';
import type { ThreadHolds } from './thread-holds.ts';
import {
  createTlb,
  dropSlowEntries,
  PAGE_MASK,
  TLB_DEVICE,
  TLB_DEVICE_ID_LIMIT,
  TLB_DEVICE_OFFSET_LIMIT,
  TLB_DEVICE_SHIFT,
  TLB_NOTHING,
  TLB_SLOW,
  tlbEntry,
} from './tlb.ts';
import type { Translators } from './translators.ts';

const dirtyMaskWord = section.SECTION_DIRTY_MASK;
const ramBufferWord = section.SECTION_RAM_BUFFER; // local names: V8 does not fold imported bindings
const readDirect = section.SECTION_FLAG_READ_DIRECT;
const writeDirect = section.SECTION_FLAG_WRITE_DIRECT;
const hasDevice = section.SECTION_FLAG_DEVICE;
const isReadonly = section.SECTION_FLAG_READONLY;
const isIommu = section.SECTION_FLAG_IOMMU;

/** Pages of 4 KiB in the largest RAM buffer. */
export const CODE_BUFFER_PAGES = 2 ** 20;
export const NO_CODE_PAGE = -1;

/** What a port is made of; the buffers are shared with every port of the thread. */
export interface PortMemory {
  readonly control: SharedWords;
  readonly arena: SharedWords;
  readonly ram: RamViews;
  readonly translators: Translators;
  readonly holds: ThreadHolds;
}

export class ViewReader {
  /** Attributes of the accesses that follow; setAttrs() changes them. */
  attrs: MemTxAttrs = MEMTXATTRS_UNSPECIFIED;
  readonly tlb = createTlb();
  protected readonly cells = new CellCache();
  declare readonly arena: SharedWords; // declared: see MemoryPort
  declare readonly ram: RamViews;
  declare private readonly control: SharedWords;
  declare private readonly root: number;
  /** Index of the address space, or of the IOMMU's table. */
  declare readonly addressSpace: number;
  /** Header cell of the view in use; 0 before the first refresh. */
  view = 0;
  /** Attributes on which it depends what the TLB remembers. */
  tlbAttrs = MEMTXATTRS_MEMORY;
  /** How often an address was looked up in the map, modulo 2^32: accesses that neither TLB nor cell cache knew. */
  walks = 0;
  /** Nobody refreshes it. */
  protected isPinned = false;
  private viewVersion = 0;
  private mapRoot = leafEntry(CELL_UNASSIGNED);
  private readonly deltas: DeltaReader;
  /** Nothing in the TLB comes from a view that was taken. */
  private isFresh = true;
  /** An entry of the TLB may name a section's cell. */
  private hasSlowEntries = false;

  constructor(memory: PortMemory, addressSpace: number) {
    this.arena = memory.arena;
    this.ram = memory.ram;
    this.control = memory.control;
    this.addressSpace = addressSpace;
    this.root = rootWord(addressSpace);
    this.deltas = new DeltaReader(memory.control, addressSpace, this.tlb);
  }

  get layoutTag(): number {
    return this.arena[cellWord(this.view) + VIEW_LAYOUT_TAG]!;
  }

  /** For accesses to come. Pages are forgotten where they would be found otherwise. */
  setAttrs(attrs: MemTxAttrs): void {
    if (((attrs ^ this.attrs) & this.tlbAttrs) !== 0) this.forgetPages();
    this.attrs = attrs;
  }

  /**
   * Takes the published view, to call after the reader announced; drops from the TLB what is not true in it.
   * @returns whether it is another one
   */
  refreshView(): boolean {
    if (!this.takeView()) return false;
    this.cells.drop();
    if (this.isFresh || !this.deltas.catchUp(this.viewVersion)) {
      this.deltas.startAfresh();
      this.takeView(); // it includes all deltas up to there
      this.forgetPages();
    } else if (this.hasSlowEntries) dropSlowEntries(this.tlb);
    this.isFresh = false;
    this.hasSlowEntries = false;
    return true;
  }

  /** Whether both answer by the same view, with the same attributes. */
  isLike(other: ViewReader): boolean {
    return this.view === other.view && this.viewVersion === other.viewVersion && this.attrs === other.attrs;
  }

  /** Takes the view and the attributes of `other`, for good: for a reader of a view that is held. */
  stayOn(other: ViewReader): void {
    this.isPinned = true;
    this.attrs = other.attrs;
    this.view = other.view;
    this.viewVersion = other.viewVersion;
    this.mapRoot = other.mapRoot;
  }

  /** Lets go of the view: nothing is mapped until the next refreshView(). */
  forgetView(): void {
    this.view = 0;
    this.mapRoot = leafEntry(CELL_UNASSIGNED);
    this.isFresh = true;
    this.forgetPages();
  }

  forgetPages(): void {
    this.tlb.fill(TLB_NOTHING);
    this.cells.drop();
  }

  /** Lets stores look at the dirty bits again. */
  disarm(): void {
    this.forgetPages();
  }

  /**
   * Before a write of `count` bytes at (hi, lo) to RAM that somebody logs, in the section at `word`: marks
   * the pages, after which stores to them can be fast until the marks are taken.
   */
  noteWrite(word: number, hi: number, lo: number, count: number): void {
    if (this.storesNeedNoMark(word, lo, count)) return;
    this.markWritten(this.ram.get(this.arena[word + ramBufferWord]!), this.ramByte(word, lo), hi, lo, count);
    const page = lo & PAGE_MASK;
    const cell = word / CELL_WORDS;
    if (this.coversPage(cell, hi, page)) this.remember(tlbEntry(hi, lo), hi, page, cell);
  }

  /** Marks the pages of `count` bytes from `byte` of `ram` on, which are, or were, at (hi, lo). */
  markWritten(ram: RamView, byte: number, hi: number, lo: number, count: number): void {
    if (count === 0) return;
    const last = dirtyPage(byte + count - 1);
    const codeWasClean = markDirtyPages(ram.dirty, dirtyPage(byte), last, DIRTY_ALL_CLIENTS);
    if (codeWasClean) this.ram.onCodeWritten(hi, lo, count);
  }

  /**
   * The page of RAM behind the guest's page at (hi, lo), as CODE_BUFFER_PAGES * buffer + page; NO_CODE_PAGE where
   * that is none that logs code as a whole.
   */
  codePage(hi: number, lo: number): number {
    const cell = this.lookup(hi, lo);
    const word = cellWord(cell);
    const logsCode = ((this.arena[word + dirtyMaskWord]! >>> DIRTY_CLIENT_CODE) & 1) !== 0;
    const start = lo & PAGE_MASK;
    if (!logsCode || (this.arena[word + section.SECTION_FLAGS]! & readDirect) === 0) return NO_CODE_PAGE;
    if (!this.coversPage(cell, hi, start)) return NO_CODE_PAGE;
    const byte = this.ramByte(word, start);
    if ((byte & ~PAGE_MASK) !== 0) return NO_CODE_PAGE;
    return this.arena[word + ramBufferWord]! * CODE_BUFFER_PAGES + dirtyPage(byte);
  }

  /** Whether nobody logs writes to `count` bytes from `lo` on, or all who do know of one already. */
  private storesNeedNoMark(word: number, lo: number, count: number): boolean {
    const mask = this.arena[word + dirtyMaskWord]!;
    if (mask === 0) return true;
    const byte = this.ramByte(word, lo);
    const { dirty } = this.ram.get(this.arena[word + ramBufferWord]!);
    return pagesAreDirty(dirty, dirtyPage(byte), dirtyPage(byte + count - 1), mask);
  }

  /** Cell of the section at (hi, lo). Remembers a page that lies whole in one section or hole, of others the address. */
  lookup(hi: number, lo: number): number {
    const tlb = this.tlb;
    const entry = tlbEntry(hi, lo);
    const page = lo & PAGE_MASK;
    if (tlb[entry] === (page | TLB_SLOW) && tlb[entry + 2] === hi) return tlb[entry + 3]!;
    const known = this.cells.cellAt(hi, lo);
    return known === CELL_UNKNOWN ? this.find(entry, hi, lo) : known;
  }

  private find(entry: number, hi: number, lo: number): number {
    this.walks = (this.walks + 1) | 0;
    const cell = findSection(this.arena, this.mapRoot, hi, lo);
    const page = lo & PAGE_MASK;
    if (this.coversPage(cell, hi, page)) this.remember(entry, hi, page, cell);
    else if (cell === CELL_UNASSIGNED && isHolePage(this.arena, this.mapRoot, hi, page, page | ~PAGE_MASK))
      this.rememberSlow(entry, hi, page, cell);
    else if (this.isPlainDevice(cell, hi, lo))
      this.cells.putDevice(hi, lo, cell, this.offsetInRegion(cellWord(cell), hi, lo));
    else this.cells.put(hi, lo, cell);
    return cell;
  }

  private coversPage(cell: number, hi: number, page: number): boolean {
    const { arena } = this;
    return (
      cell !== CELL_UNASSIGNED &&
      sectionCovers(arena, cell, hi, page) &&
      sectionCovers(arena, cell, hi, page | ~PAGE_MASK)
    );
  }

  /** Byte in its RAM buffer of the address whose section starts at `word` of the arena. */
  ramByte(word: number, lo: number): number {
    return (
      (this.arena[word + section.SECTION_RAM_BYTE]! + lo - this.arena[word + section.SECTION_START_LO]!) >>> 0
    );
  }

  /** True if `size` bytes from (hi, lo) on lie in the section, without wrapping at 2^64. */
  endsWithin(cell: number, hi: number, lo: number, size: number): boolean {
    const lastLo = (lo + size - 1) | 0;
    const carry = lastLo >>> 0 < lo >>> 0 ? 1 : 0;
    if (carry === 1 && hi === -1) return false;
    return sectionCovers(this.arena, cell, (hi + carry) | 0, lastLo);
  }

  /** True if another view is published than the one in use; it is in use then. */
  private takeView(): boolean {
    const view = Atomics.load(this.control, this.root); // pairs with Publisher's store of the root
    const version = this.arena[cellWord(view) + VIEW_VERSION]!;
    // A cell may have been reclaimed and used for a newer view since: the version tells, the cell does not.
    if (view === this.view && version === this.viewVersion) return false;
    this.view = view;
    this.viewVersion = version;
    this.mapRoot = this.arena[cellWord(view) + VIEW_MAP_ROOT]!;
    return true;
  }

  /** @param page covered whole by the section in `cell` */
  private remember(entry: number, hi: number, page: number, cell: number): void {
    const arena = this.arena;
    const word = cellWord(cell);
    const flags = arena[word + section.SECTION_FLAGS]!;
    if ((flags & isIommu) !== 0) {
      this.rememberBehind(entry, hi, page, cell);
      return;
    }
    const addend = (this.ramByte(word, page) - page) | 0;
    const tlb = this.tlb;
    const isBarred = this.isBarred(flags);
    // Fast: RAM of buffer 0 whose bytes are aligned as the guest's are.
    if (!isBarred && (flags & readDirect) !== 0 && arena[word + ramBufferWord] === 0 && (addend & 7) === 0) {
      tlb[entry] = page;
      const isUnseen = (flags & writeDirect) !== 0 && this.storesNeedNoMark(word, page, -PAGE_MASK);
      tlb[entry + 1] = isUnseen ? page : TLB_NOTHING;
      tlb[entry + 3] = addend;
    } else if (
      this.isPlainDevice(cell, hi, page) &&
      arena[word + section.SECTION_DEVICE]! < TLB_DEVICE_ID_LIMIT
    ) {
      tlb[entry] = page | TLB_DEVICE;
      tlb[entry + 1] = (arena[word + section.SECTION_DEVICE]! << TLB_DEVICE_SHIFT) | TLB_DEVICE;
      tlb[entry + 3] = (this.offsetInRegion(word, hi, page) - page) | 0;
    } else this.rememberSlow(entry, hi, page, cell);
    tlb[entry + 2] = hi;
  }

  /** Of a page of an IOMMU's section. */
  protected rememberBehind(entry: number, hi: number, page: number, cell: number): void {
    this.rememberSlow(entry, hi, page, cell);
  }

  private rememberSlow(entry: number, hi: number, page: number, cell: number): void {
    this.tlb[entry] = page | TLB_SLOW;
    this.tlb[entry + 1] = page | TLB_SLOW;
    this.tlb[entry + 2] = hi;
    this.tlb[entry + 3] = cell;
    this.hasSlowEntries ||= cell !== CELL_UNASSIGNED; // that is the same in every view
  }

  /** Whether all accesses with these attributes go to a device here, by offsets that are int32 up to the page's end. */
  private isPlainDevice(cell: number, hi: number, lo: number): boolean {
    const word = cellWord(cell);
    const flags = this.arena[word + section.SECTION_FLAGS]!;
    if ((flags & (readDirect | isReadonly | hasDevice | isIommu)) !== hasDevice || this.isBarred(flags))
      return false;
    return this.offsetInRegion(word, hi, lo) <= TLB_DEVICE_OFFSET_LIMIT + PAGE_MASK;
  }

  /** Whether the attributes allow memory only, and this is a device, if with bytes of its own. */
  isBarred(flags: number): boolean {
    return (this.attrs & MEMTXATTRS_MEMORY) !== 0 && (flags & hasDevice) !== 0;
  }

  /** Offset within the region of (hi, lo), which the section at `word` covers; exact below 2^53. */
  offsetInRegion(word: number, hi: number, lo: number): number {
    const arena = this.arena;
    const startHi = arena[word + section.SECTION_START_HI]!;
    const startLo = arena[word + section.SECTION_START_LO]!;
    const offsetHi = arena[word + section.SECTION_REGION_OFFSET_HI]!;
    const low = (arena[word + section.SECTION_REGION_OFFSET_LO]! >>> 0) + ((lo - startLo) >>> 0);
    if (startHi === hi && offsetHi === 0) return low;
    const borrow = lo >>> 0 < startLo >>> 0 ? 1 : 0;
    const carry = low >= 2 ** 32 ? 1 : 0;
    return ((offsetHi + hi - startHi - borrow + carry) >>> 0) * 2 ** 32 + (low >>> 0);
  }
}
