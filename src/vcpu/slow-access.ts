/**
 * Everything that a memory port's fast path does not do: accesses that miss the TLB, are unaligned or cross a
 * border, other RAM buffers, devices, holes. One thread's own.
 *
 * Rules (docs/PARITY.md, Q8): a device takes a naturally aligned access whole, by its first address, and an
 * unaligned one if its rules allow it. Whatever else crosses a section's end, or is not aligned, is split into
 * naturally aligned pieces at ascending addresses; the results are OR-ed. The address wraps at 2^64.
 */
import { IOMMU_READ, IOMMU_WRITE } from '../base/iommu.ts';
import { MEMTXATTRS_DEBUG } from '../base/mem-tx-attrs.ts';
import { MEMTX_ACCESS_ERROR, MEMTX_DECODE_ERROR, MEMTX_OK, type MemTxResult } from '../base/mem-tx-result.ts';
import { CELL_WORDS } from '../layout/map-entry.ts';
import * as section from '../layout/section-record.ts';
import type { DeviceCalls } from './device-calls.ts';
import { IommuPaths } from './iommu-paths.ts';
import type { RamView } from './ram-views.ts';
import { PAGE_MASK, TLB_NOTHING, TLB_SLOW, tlbEntry } from './tlb.ts';
import { type PortMemory, ViewReader } from './view-reader.ts';

const ok = MEMTX_OK; // local names for what every miss runs through: V8 does not fold imported bindings
const decodeError = MEMTX_DECODE_ERROR;
const cellWords = CELL_WORDS;
const flagsWord = section.SECTION_FLAGS;
const deviceWord = section.SECTION_DEVICE;
const ramBufferWord = section.SECTION_RAM_BUFFER;
const dirtyMaskWord = section.SECTION_DIRTY_MASK;
const ramByteWord = section.SECTION_RAM_BYTE;
const startLoWord = section.SECTION_START_LO;
const readDirect = section.SECTION_FLAG_READ_DIRECT;
const writeDirect = section.SECTION_FLAG_WRITE_DIRECT;
const hasDevice = section.SECTION_FLAG_DEVICE;
const isReadonly = section.SECTION_FLAG_READONLY;
const isAssigned = section.SECTION_FLAG_ASSIGNED;
const isIommu = section.SECTION_FLAG_IOMMU;

export class SlowAccess extends ViewReader {
  /** MemTxResult of the access in progress: an OR over its pieces. */
  result: MemTxResult = MEMTX_OK;
  /** Upper half of the last 64-bit value loaded. */
  high = 0;
  declare readonly devices: DeviceCalls; // declared: see MemoryPort
  /** Where IOMMUs lead; shared with what is behind them. */
  declare readonly paths: IommuPaths;

  /** @param paths of the port where the accesses begin, if this is what an IOMMU leads to */
  constructor(
    memory: PortMemory,
    addressSpace: number,
    devices: DeviceCalls,
    paths: IommuPaths | null = null,
  ) {
    super(memory, addressSpace);
    this.devices = devices;
    const behind = (space: number): SlowAccess => new SlowAccess(memory, space, devices, this.paths);
    this.paths = paths ?? new IommuPaths(memory, behind);
  }

  /** Takes the newest of everything that accesses reach from here. */
  refresh(): void {
    this.refreshView();
    if (this.paths.refresh()) this.forgetPages();
  }

  /** Lets go of all of it: nothing is mapped until the next refresh(). */
  forget(): void {
    this.forgetView();
    this.paths.forget();
  }

  override disarm(): void {
    super.disarm();
    this.paths.disarm();
  }

  /**
   * With store() longer than what V8 inlines (460 bytes of bytecode), so that a port's load and store stay
   * small enough to be inlined into the guest's loop, whatever is behind them.
   */
  load(hi: number, lo: number, size: number): number {
    const { arena, cells } = this;
    const known = cells.deviceEntry(hi, lo, size);
    if (known >= 0) return this.askDevice(cells.sectionWord(known), cells.offset(known), size);
    const cell = this.lookup(hi, lo);
    const word = cell * cellWords;
    const flags = arena[word + flagsWord]!;
    this.result = ok;
    if ((flags & readDirect) !== 0 && !this.isBarred(flags)) {
      if (size !== 1 && !this.endsWithin(cell, hi, lo, size)) return this.loadSplit(hi, lo, size);
      const view = this.ram.get(arena[word + ramBufferWord]!);
      const byte = (arena[word + ramByteWord]! + lo - arena[word + startLoWord]!) >>> 0;
      if (size === 1) return view.bytes[byte]!;
      if (size === 2) return (byte & 1) === 0 ? view.halves[byte >>> 1]! : unalignedHalf(view, byte);
      if (size === 8)
        this.high = (byte & 3) === 0 ? view.words[(byte + 4) >>> 2]! : unalignedWord(view, byte + 4);
      return (byte & 3) === 0 ? view.words[byte >>> 2]! : unalignedWord(view, byte);
    }
    if ((flags & isIommu) !== 0) return this.loadBehind(cell, hi, lo, size);
    if ((flags & isAssigned) === 0 ? !this.staysInHole(hi, lo, size) : this.mustSplit(word, flags, lo, size))
      return this.loadSplit(hi, lo, size);
    if ((flags & hasDevice) !== 0) return this.readDevice(word, hi, lo, size);
    this.result = decodeError;
    this.high = 0;
    return 0;
  }

  store(hi: number, lo: number, size: number, valueHi: number, valueLo: number): void {
    const { arena, cells } = this;
    const known = cells.deviceEntry(hi, lo, size);
    if (known >= 0) {
      this.tellDevice(cells.sectionWord(known), cells.offset(known), size, valueLo, valueHi);
      return;
    }
    const cell = this.lookup(hi, lo);
    const word = cell * cellWords;
    const flags = arena[word + flagsWord]!;
    this.result = ok;
    const writes = (flags & writeDirect) !== 0 || this.debugWrites(flags);
    if (writes || (flags & isReadonly) !== 0) {
      if (size !== 1 && !this.endsWithin(cell, hi, lo, size)) this.storeSplit(hi, lo, size, valueHi, valueLo);
      else if (writes) {
        if (arena[word + dirtyMaskWord] !== 0) this.noteWrite(word, hi, lo, size);
        const view = this.ram.get(arena[word + ramBufferWord]!);
        const byte = (arena[word + ramByteWord]! + lo - arena[word + startLoWord]!) >>> 0;
        if (size === 1) view.bytes[byte] = valueLo;
        else this.writeRam(view, byte, size, valueHi, valueLo);
      } // else read-only: a vCPU's store is discarded without a fault
    } else if ((flags & isIommu) !== 0) this.storeBehind(cell, hi, lo, size, valueHi, valueLo);
    else if (
      (flags & isAssigned) === 0 ? !this.staysInHole(hi, lo, size) : this.mustSplit(word, flags, lo, size)
    ) {
      this.storeSplit(hi, lo, size, valueHi, valueLo);
    } else if ((flags & hasDevice) !== 0) this.writeDevice(word, hi, lo, size, valueLo, valueHi);
    else this.result = decodeError;
  }

  /** One access to the device of the section at `word`, by its first address; `result` becomes the device's. */
  readDevice(word: number, hi: number, lo: number, size: number): number {
    if (this.isBarred(hasDevice)) return this.deny();
    return this.askDevice(word, this.offsetInRegion(word, hi, lo), size);
  }

  writeDevice(word: number, hi: number, lo: number, size: number, valueLo: number, valueHi: number): void {
    if (this.isBarred(hasDevice)) this.deny();
    else this.tellDevice(word, this.offsetInRegion(word, hi, lo), size, valueLo, valueHi);
  }

  /** Whether a write goes to the bytes that are read here, though the guest may not write them. */
  debugWrites(flags: number): boolean {
    return (this.attrs & MEMTXATTRS_DEBUG) !== 0 && (flags & (readDirect | writeDirect)) === readDirect;
  }

  /** Whether reads of (hi, lo) do not come from bytes. */
  isIo(hi: number, lo: number): boolean {
    const cell = this.lookup(hi, lo);
    const flags = this.arena[cell * cellWords + flagsWord]!;
    if ((flags & isIommu) === 0) return (flags & readDirect) === 0;
    const { paths } = this;
    const isIo = !paths.enter(this, cell, hi, lo, IOMMU_READ) || paths.target.isIo(paths.hi, paths.lo);
    paths.leave();
    return isIo;
  }

  /** A page behind an IOMMU is as fast as any, where its mapping leads whole to RAM. */
  protected override rememberBehind(entry: number, hi: number, page: number, cell: number): void {
    if (this.isPinned) {
      super.rememberBehind(entry, hi, page, cell); // nobody would tell it that a mapping has changed
      return;
    }
    const { tlb } = this;
    const found = this.paths.pageBehind(this, cell, hi, page);
    this.tlbAttrs |= found.attrs;
    if (found.isOutdated) return;
    if (found.ram === null) super.rememberBehind(entry, hi, page, cell);
    else {
      tlb[entry] = page;
      tlb[entry + 1] = found.ram.isWritable ? page : TLB_NOTHING;
      tlb[entry + 2] = hi;
      tlb[entry + 3] = found.ram.addend;
    }
  }

  /** What passes whole in one piece goes on whole; what no mapping lets through is answered as a hole is. */
  private loadBehind(cell: number, hi: number, lo: number, size: number): number {
    const { paths } = this;
    const passes = paths.enter(this, cell, hi, lo, IOMMU_READ);
    const isWhole = paths.reach >= size;
    let value = 0;
    if (isWhole && passes) {
      const { target } = paths;
      value = target.load(paths.hi, paths.lo, size);
      this.result = target.result;
      this.high = target.high;
    } else if (isWhole) {
      this.result = paths.result;
      this.high = 0;
    }
    paths.leave();
    return isWhole ? value : this.loadSplit(hi, lo, size);
  }

  private storeBehind(
    cell: number,
    hi: number,
    lo: number,
    size: number,
    valueHi: number,
    valueLo: number,
  ): void {
    const { paths } = this;
    const passes = paths.enter(this, cell, hi, lo, IOMMU_WRITE);
    const isWhole = paths.reach >= size;
    if (isWhole && passes) {
      const { target } = paths;
      target.store(paths.hi, paths.lo, size, valueHi, valueLo);
      this.result = target.result;
    } else if (isWhole) this.result = paths.result;
    paths.leave();
    if (!isWhole) this.storeSplit(hi, lo, size, valueHi, valueLo);
  }

  /** The access may reach memory only, and this is none. */
  private deny(): number {
    this.result = MEMTX_ACCESS_ERROR;
    this.high = 0;
    return 0;
  }

  /** Of an access that begins where nothing is mapped: whether it is one byte, or lies whole in a page of a hole. */
  private staysInHole(hi: number, lo: number, size: number): boolean {
    if (size === 1) return true;
    const { tlb } = this;
    const entry = tlbEntry(hi, lo);
    const isHolePage = tlb[entry] === ((lo & PAGE_MASK) | TLB_SLOW) && tlb[entry + 2] === hi;
    return isHolePage && (lo & ~PAGE_MASK) + size <= -PAGE_MASK;
  }

  /** Whether an access to something that is not RAM must be made in smaller pieces. */
  private mustSplit(word: number, flags: number, lo: number, size: number): boolean {
    if ((lo & (size - 1)) === 0) return false;
    return (
      (flags & hasDevice) === 0 || !this.devices.takesUnaligned(this.arena[word + section.SECTION_DEVICE]!)
    );
  }

  private askDevice(word: number, offset: number, size: number): number {
    const { devices } = this;
    const value = devices.read(this.arena[word + deviceWord]!, offset, size, this.attrs);
    this.result = devices.result;
    if (size === 8) this.high = devices.high;
    return value;
  }

  private tellDevice(word: number, offset: number, size: number, valueLo: number, valueHi: number): void {
    const { devices } = this;
    const unsigned = size >= 4 ? valueLo >>> 0 : valueLo & ((1 << (size << 3)) - 1);
    devices.write(this.arena[word + deviceWord]!, offset, size, unsigned, valueHi, this.attrs);
    this.result = devices.result;
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
