/**
 * Everything that a memory port's fast path does not do: looking sections up, filling the TLB, accesses
 * that are unaligned or cross a border, other RAM buffers, devices, holes. One thread's own.
 *
 * Rules (docs/PARITY.md, Q8): a device takes a naturally aligned access whole, by its first address, and
 * 64 bits as two calls of 32. Whatever else crosses a section's end, or is not aligned, is split into
 * naturally aligned pieces at ascending addresses; the results are OR-ed. The address wraps at 2^64.
 */
import { MEMTX_DECODE_ERROR, MEMTX_OK, type MemTxResult } from '../base/mem-tx-result.ts';
import { findSection, sectionCovers } from '../dispatch/find-section.ts';
import { rootWord, type SharedWords } from '../layout/control-block.ts';
import { CELL_UNASSIGNED, CELL_WORDS, cellWord } from '../layout/map-entry.ts';
import * as section from '../layout/section-record.ts';
import { VIEW_LAYOUT_TAG, VIEW_MAP_ROOT, VIEW_VERSION } from '../layout/view-header.ts';
import type { DeviceCalls } from './device-calls.ts';
import type { RamView, RamViews } from './ram-views.ts';
import {
  createTlb,
  PAGE_MASK,
  TLB_DEVICE,
  TLB_DEVICE_ID_LIMIT,
  TLB_DEVICE_OFFSET_LIMIT,
  TLB_DEVICE_SHIFT,
  TLB_NOTHING,
  TLB_SLOW,
  tlbEntry,
} from './tlb.ts';

const ok = MEMTX_OK; // local names for what every miss runs through: V8 does not fold imported bindings
const decodeError = MEMTX_DECODE_ERROR;
const cellWords = CELL_WORDS;
const flagsWord = section.SECTION_FLAGS;
const ramBufferWord = section.SECTION_RAM_BUFFER;
const ramByteWord = section.SECTION_RAM_BYTE;
const startLoWord = section.SECTION_START_LO;
const readDirect = section.SECTION_FLAG_READ_DIRECT;
const writeDirect = section.SECTION_FLAG_WRITE_DIRECT;
const hasDevice = section.SECTION_FLAG_DEVICE;
const isReadonly = section.SECTION_FLAG_READONLY;
const isAssigned = section.SECTION_FLAG_ASSIGNED;

/** What a port is made of; the buffers are shared with every port of the thread. */
export interface PortMemory {
  readonly control: SharedWords;
  readonly arena: SharedWords;
  readonly ram: RamViews;
}

export class SlowAccess {
  /** MemTxResult of the access in progress: an OR over its pieces. */
  result: MemTxResult = MEMTX_OK;
  /** Upper half of the last 64-bit value loaded. */
  high = 0;
  readonly tlb = createTlb();
  declare readonly arena: SharedWords; // declared: see MemoryPort
  declare readonly ram: RamViews;
  declare private readonly control: SharedWords;
  declare private readonly root: number;
  declare private readonly devices: DeviceCalls;
  /** Header cell of the view in use; 0 before the first refresh. */
  view = 0;
  private viewVersion = 0;
  private mapRoot = 0;

  constructor(memory: PortMemory, addressSpace: number, devices: DeviceCalls) {
    this.arena = memory.arena;
    this.ram = memory.ram;
    this.control = memory.control;
    this.root = rootWord(addressSpace);
    this.devices = devices;
  }

  get layoutTag(): number {
    return this.arena[cellWord(this.view) + VIEW_LAYOUT_TAG]!;
  }

  /** Takes the published view, to call after the reader announced; drops the TLB if it is another. */
  refresh(): void {
    const view = Atomics.load(this.control, this.root); // pairs with Publisher's store of the root
    const version = this.arena[cellWord(view) + VIEW_VERSION]!;
    // A cell may have been reclaimed and used for a newer view since: the version tells, the cell does not.
    if (view === this.view && version === this.viewVersion) return;
    this.view = view;
    this.viewVersion = version;
    this.mapRoot = this.arena[cellWord(view) + VIEW_MAP_ROOT]!;
    this.tlb.fill(TLB_NOTHING);
  }

  /** Cell of the section at (hi, lo). Remembers a page that lies whole in one section. */
  lookup(hi: number, lo: number): number {
    const tlb = this.tlb;
    const entry = tlbEntry(hi, lo);
    const page = lo & PAGE_MASK;
    if (tlb[entry] === (page | TLB_SLOW) && tlb[entry + 2] === hi) return tlb[entry + 3]!;
    const cell = findSection(this.arena, this.mapRoot, hi, lo);
    if (cell !== CELL_UNASSIGNED) this.remember(entry, hi, page, cell);
    return cell;
  }

  /**
   * With store() longer than what V8 inlines (460 bytes of bytecode), so that a port's load and store stay
   * small enough to be inlined into the guest's loop, whatever is behind them.
   */
  load(hi: number, lo: number, size: number): number {
    const { arena } = this;
    const cell = this.lookup(hi, lo);
    const word = cell * cellWords;
    const flags = arena[word + flagsWord]!;
    this.result = ok;
    if ((flags & readDirect) !== 0) {
      if (size !== 1 && !this.endsWithin(cell, hi, lo, size)) return this.loadSplit(hi, lo, size);
      const view = this.ram.get(arena[word + ramBufferWord]!);
      const byte = (arena[word + ramByteWord]! + lo - arena[word + startLoWord]!) >>> 0;
      if (size === 1) return view.bytes[byte]!;
      if (size === 2) return (byte & 1) === 0 ? view.halves[byte >>> 1]! : unalignedHalf(view, byte);
      if (size === 8)
        this.high = (byte & 3) === 0 ? view.words[(byte + 4) >>> 2]! : unalignedWord(view, byte + 4);
      return (byte & 3) === 0 ? view.words[byte >>> 2]! : unalignedWord(view, byte);
    }
    if ((flags & isAssigned) !== 0 ? (lo & (size - 1)) !== 0 : size !== 1)
      return this.loadSplit(hi, lo, size);
    if ((flags & hasDevice) !== 0) {
      return size === 8 ? this.loadSplit(hi, lo, 8) : this.readDevice(word, hi, lo, size);
    }
    this.result = decodeError;
    this.high = 0;
    return 0;
  }

  store(hi: number, lo: number, size: number, valueHi: number, valueLo: number): void {
    const { arena } = this;
    const cell = this.lookup(hi, lo);
    const word = cell * cellWords;
    const flags = arena[word + flagsWord]!;
    this.result = ok;
    if ((flags & (writeDirect | isReadonly)) !== 0) {
      if (size !== 1 && !this.endsWithin(cell, hi, lo, size)) this.storeSplit(hi, lo, size, valueHi, valueLo);
      else if ((flags & writeDirect) !== 0) {
        const view = this.ram.get(arena[word + ramBufferWord]!);
        const byte = (arena[word + ramByteWord]! + lo - arena[word + startLoWord]!) >>> 0;
        if (size === 1) view.bytes[byte] = valueLo;
        else this.writeRam(view, byte, size, valueHi, valueLo);
      } // else read-only: a vCPU's store is discarded without a fault
    } else if ((flags & isAssigned) !== 0 ? (lo & (size - 1)) !== 0 || size === 8 : size !== 1) {
      this.storeSplit(hi, lo, size, valueHi, valueLo);
    } else if ((flags & hasDevice) !== 0) this.writeDevice(word, hi, lo, size, valueLo);
    else this.result = decodeError;
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

  /** One naturally aligned access to the device of the section at `word`, by its first address. */
  readDevice(word: number, hi: number, lo: number, size: number): number {
    const device = this.arena[word + section.SECTION_DEVICE]!;
    const value = this.devices.read(device, this.offsetInRegion(word, hi, lo), size);
    this.result |= this.devices.result;
    return size === 4 ? value | 0 : value & ((1 << (size << 3)) - 1);
  }

  writeDevice(word: number, hi: number, lo: number, size: number, value: number): void {
    const device = this.arena[word + section.SECTION_DEVICE]!;
    const unsigned = size === 4 ? value >>> 0 : value & ((1 << (size << 3)) - 1);
    this.devices.write(device, this.offsetInRegion(word, hi, lo), unsigned, size);
    this.result |= this.devices.result;
  }

  private remember(entry: number, hi: number, page: number, cell: number): void {
    const arena = this.arena;
    if (!sectionCovers(arena, cell, hi, page) || !sectionCovers(arena, cell, hi, page | ~PAGE_MASK)) return;
    const word = cellWord(cell);
    const flags = arena[word + section.SECTION_FLAGS]!;
    const addend = (this.ramByte(word, page) - page) | 0;
    const tlb = this.tlb;
    // Fast: RAM of buffer 0 whose bytes are aligned as the guest's are.
    if ((flags & readDirect) !== 0 && arena[word + ramBufferWord] === 0 && (addend & 7) === 0) {
      tlb[entry] = page;
      tlb[entry + 1] = (flags & writeDirect) !== 0 ? page : TLB_NOTHING;
      tlb[entry + 3] = addend;
    } else if (
      (flags & (readDirect | isReadonly | hasDevice)) === hasDevice &&
      this.isPlain(word, hi, page)
    ) {
      tlb[entry] = page | TLB_DEVICE;
      tlb[entry + 1] = (arena[word + section.SECTION_DEVICE]! << TLB_DEVICE_SHIFT) | TLB_DEVICE;
      tlb[entry + 3] = (this.offsetInRegion(word, hi, page) - page) | 0;
    } else {
      tlb[entry] = page | TLB_SLOW;
      tlb[entry + 1] = page | TLB_SLOW;
      tlb[entry + 3] = cell;
    }
    tlb[entry + 2] = hi;
  }

  /** True if a TLB entry can hold the device and the page's offset within its region. */
  private isPlain(word: number, hi: number, page: number): boolean {
    return (
      this.arena[word + section.SECTION_DEVICE]! < TLB_DEVICE_ID_LIMIT &&
      this.offsetInRegion(word, hi, page) <= TLB_DEVICE_OFFSET_LIMIT + PAGE_MASK
    );
  }

  /** Offset within the region of (hi, lo), which the section at `word` covers; exact below 2^53. */
  private offsetInRegion(word: number, hi: number, lo: number): number {
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

  private loadSplit(hi: number, lo: number, size: number): number {
    let low = 0;
    let high = 0;
    let result: MemTxResult = ok;
    for (let done = 0; done < size; ) {
      const at = (lo + done) | 0;
      const count = pieceSize(at, size, done);
      const carry = at >>> 0 < lo >>> 0 ? 1 : 0;
      const value = this.load((hi + carry) | 0, at, count);
      result |= this.result;
      if (done < 4) low |= value << (done << 3);
      if (done >= 4) high |= value << ((done - 4) << 3);
      else if (done + count > 4) high |= value >>> (32 - (done << 3));
      done += count;
    }
    this.result = result;
    this.high = high;
    return low;
  }

  private storeSplit(hi: number, lo: number, size: number, valueHi: number, valueLo: number): void {
    let result: MemTxResult = ok;
    for (let done = 0; done < size; ) {
      const at = (lo + done) | 0;
      const count = pieceSize(at, size, done);
      const carry = at >>> 0 < lo >>> 0 ? 1 : 0;
      let value = done < 4 ? valueLo >>> (done << 3) : valueHi >>> ((done - 4) << 3);
      if (done > 0 && done < 4 && done + count > 4) value |= valueHi << (32 - (done << 3));
      this.store((hi + carry) | 0, at, count, 0, value);
      result |= this.result;
      done += count;
    }
    this.result = result;
  }

  private writeRam(view: RamView, byte: number, size: number, valueHi: number, valueLo: number): void {
    if (size === 8) {
      this.writeRam(view, byte, 4, 0, valueLo);
      this.writeRam(view, byte + 4, 4, 0, valueHi);
    } else if (size === 4 && (byte & 3) === 0) view.words[byte >>> 2] = valueLo;
    else if (size === 2 && (byte & 1) === 0) view.halves[byte >>> 1] = valueLo;
    else for (let i = 0; i < size; i += 1) view.bytes[byte + i] = valueLo >>> (i << 3);
  }
}

const unalignedHalf = ({ bytes }: RamView, byte: number): number => bytes[byte]! | (bytes[byte + 1]! << 8);

const unalignedWord = ({ bytes }: RamView, byte: number): number =>
  bytes[byte]! | (bytes[byte + 1]! << 8) | (bytes[byte + 2]! << 16) | (bytes[byte + 3]! << 24);

/** Largest naturally aligned piece at `at`, smaller than the access and not past its end. */
function pieceSize(at: number, size: number, done: number): number {
  let count = size >> 1;
  while ((at & (count - 1)) !== 0 || count > size - done) count >>= 1;
  return count;
}
