/** Finds the element of shared RAM behind an address, for atomic read-modify-write. One thread's own. */
import { IOMMU_READ, IOMMU_WRITE } from '../base/iommu.ts';
import {
  MEMTX_ACCESS_ERROR,
  MEMTX_DECODE_ERROR,
  MEMTX_ERROR,
  MEMTX_OK,
  type MemTxResult,
} from '../base/mem-tx-result.ts';
import { cellWord } from '../layout/map-entry.ts';
import {
  SECTION_FLAG_ASSIGNED,
  SECTION_FLAG_IOMMU,
  SECTION_FLAG_WRITE_DIRECT,
  SECTION_FLAGS,
  SECTION_RAM_BUFFER,
} from '../layout/section-record.ts';
import type { SlowAccess } from './slow-access.ts';
import { PAGE_MASK, tlbEntry } from './tlb.ts';

export const NO_CELL = -1;

export class AtomicCell {
  result: MemTxResult = MEMTX_OK;
  /** Where the element of a 4-byte locate() is. */
  words: Int32Array<SharedArrayBuffer>;
  /** Where the element of an 8-byte locate() is. */
  doubles: BigInt64Array<SharedArrayBuffer>;
  private readonly slow: SlowAccess;

  constructor(slow: SlowAccess) {
    this.slow = slow;
    this.words = slow.ram.main.words;
    this.doubles = slow.ram.main.doubles;
  }

  /** Index of the element at (hi, lo) in `words` or `doubles`; NO_CELL where `result` tells why. */
  locate(hi: number, lo: number, size: 4 | 8): number {
    const { tlb } = this.slow;
    const entry = tlbEntry(hi, lo);
    if (tlb[entry + 1] !== (lo & (PAGE_MASK | (size - 1))) || tlb[entry + 2] !== hi) {
      return this.locateSlow(hi, lo, size);
    }
    const { main } = this.slow.ram;
    return this.found(main.words, main.doubles, (tlb[entry + 3]! + lo) >>> 0, size);
  }

  private locateSlow(hi: number, lo: number, size: 4 | 8): number {
    if ((lo & (size - 1)) !== 0) return this.refuse(MEMTX_ERROR);
    const { slow } = this;
    const cell = slow.lookup(hi, lo);
    const word = cellWord(cell);
    const flags = slow.arena[word + SECTION_FLAGS]!;
    if ((flags & SECTION_FLAG_IOMMU) !== 0) return this.locateBehind(cell, hi, lo, size);
    if ((flags & SECTION_FLAG_ASSIGNED) === 0) return this.refuse(MEMTX_DECODE_ERROR);
    if ((flags & SECTION_FLAG_WRITE_DIRECT) === 0) return this.refuse(MEMTX_ACCESS_ERROR);
    const byte = slow.ramByte(word, lo);
    // RAM that is mapped byte-shifted, or ends within the element, has no element to operate on.
    if ((byte & (size - 1)) !== 0 || !slow.endsWithin(cell, hi, lo, size)) return this.refuse(MEMTX_ERROR);
    slow.noteWrite(word, hi, lo, size); // a compare that fails has marked, too
    const view = slow.ram.get(slow.arena[word + SECTION_RAM_BUFFER]!);
    return this.found(view.words, view.doubles, byte, size);
  }

  private locateBehind(cell: number, hi: number, lo: number, size: 4 | 8): number {
    const { slow } = this;
    const { paths } = slow;
    let index = NO_CELL;
    if (!paths.enter(slow, cell, hi, lo, IOMMU_READ | IOMMU_WRITE)) this.result = paths.result;
    else if (paths.reach < size) this.result = MEMTX_ERROR;
    else {
      const behind = new AtomicCell(paths.target);
      index = behind.locate(paths.hi, paths.lo, size);
      this.result = behind.result;
      this.words = behind.words;
      this.doubles = behind.doubles;
    }
    paths.leave();
    return index;
  }

  private found(
    words: Int32Array<SharedArrayBuffer>,
    doubles: BigInt64Array<SharedArrayBuffer>,
    byte: number,
    size: 4 | 8,
  ): number {
    this.result = MEMTX_OK;
    this.words = words;
    this.doubles = doubles;
    return size === 4 ? byte >>> 2 : byte >>> 3;
  }

  private refuse(result: MemTxResult): number {
    this.result = result;
    return NO_CELL;
  }
}
