/**
 * Makes one access through a memory port and compares what came back with what is due. The hot part of the
 * verifying workload: nothing is allocated unless a violation is found.
 * Guarantee: a word of another owner or offset, a version that went back, a write of our own that is not
 * found again, and a MemTxResult other than the due one are each counted, exactly once an access.
 *
 * A version is private knowledge of two kinds. The one vCPU that writes a cell must read exactly what it
 * wrote last. Any other must never see the version go back: reads of one aligned word by one thread are
 * coherent, and nobody else writes it. Versions wrap, so two of them are compared only within one era, in
 * which no word is written more than VERSIONS_PER_ERA times; between two reads of one era a writer may be in
 * the era before, the same, or the next, and three eras of writes are fewer than half of all versions.
 */
import { MEMTX_DECODE_ERROR, MEMTX_OK } from '../base/mem-tx-result.ts';
import type { SharedWords } from '../layout/control-block.ts';
import type { MemoryPort } from '../vcpu/memory-port.ts';
import * as board from './board.ts';
import * as format from './cell-format.ts';

const ok = MEMTX_OK; // local names for the hot path: V8 does not fold imported bindings
const decodeError = MEMTX_DECODE_ERROR;
const tagMask = format.TAG_MASK;
const versionShift = format.VERSION_SHIFT;
const versionMask = format.VERSION_MASK;
const signShift = format.VERSION_SIGN_SHIFT;
const stride = format.CELL_STRIDE_WORDS;
const cellWriteTag = format.CELL_WRITE_TAG;
const cellSlot = format.CELL_SLOT;
const cellOwner = format.CELL_OWNER;
const classOf = format.classOf;
const cellOf = format.cellOf;
const classHole = format.CLASS_HOLE;
const classRam = format.CLASS_RAM;
const classDevice = format.CLASS_DEVICE;
const classRomDevice = format.CLASS_ROM_DEVICE;
const versionsPerEra = format.VERSIONS_PER_ERA;

export class AccessChecker {
  /** Accesses checked so far, modulo 2^32. */
  checked = 0;
  /** For findings: which space, and which step its map is of. */
  space = 0;
  step = 0;
  private readonly vcpu: number;
  private readonly words: SharedWords;
  private readonly cells: SharedWords;
  private readonly versions: SharedWords;
  private era = -1;
  /** For each slot, the era in which its version was last compared, or first written. */
  private readonly eras: Int32Array;
  /** For each slot of our own, the version with which its era began. */
  private readonly firstVersions: Int32Array;

  constructor(vcpu: number, words: SharedWords, shared: format.SharedCells) {
    const { cells, versions, slotCount } = shared;
    this.vcpu = vcpu;
    this.words = words;
    this.cells = new Int32Array(cells.buffer);
    this.versions = new Int32Array(versions.buffer, 4 * vcpu * slotCount, slotCount);
    this.eras = new Int32Array(slotCount).fill(-1);
    this.firstVersions = new Int32Array(slotCount);
  }

  /** Takes the era of the board. Call it between accesses, many times a second. */
  beginSlice(): void {
    this.era = Atomics.load(this.words, board.BOARD_ERA); // pairs with advanceEra
    Atomics.store(this.words, board.vcpuWord(this.vcpu) + board.VCPU_ERA, this.era); // pairs with advanceEra
  }

  /** Reads `size` bytes at (hi, lo), where `entry` (not CLASS_SKIP) is due. */
  read(port: MemoryPort, hi: number, lo: number, size: number, entry: number): void {
    this.checked = (this.checked + 1) | 0;
    if (size !== 4) {
      this.judge(port, hi, lo, size, entry, size === 2 ? port.load16(hi, lo) : port.load8(hi, lo));
      return;
    }
    const value = port.load32(hi, lo);
    const cells = this.cells;
    const cell = cellOf(entry) * stride;
    if (classOf(entry) === classHole || port.result !== ok || (value & tagMask) !== cells[cell]) {
      this.judge(port, hi, lo, size, entry, value);
      return;
    }
    const slot = cells[cell + cellSlot]!;
    const version = value >>> versionShift;
    const ahead = (version - this.versions[slot]!) << signShift;
    if (ahead === 0) return;
    if (cells[cell + cellOwner] === this.vcpu)
      this.found(board.FOUND_OWN_WRITE, port, hi, lo, size, entry, value);
    else if (ahead < 0 && this.eras[slot] === this.era)
      this.found(board.FOUND_OLD_VERSION, port, hi, lo, size, entry, value);
    this.versions[slot] = version;
    this.eras[slot] = this.era;
  }

  /** Writes what the vCPU may write there, or what must be dropped; reads where another vCPU writes. */
  write(port: MemoryPort, hi: number, lo: number, size: number, entry: number): void {
    const kind = classOf(entry);
    const cell = cellOf(entry) * stride;
    if (kind === classHole) this.store(port, hi, lo, size, entry, lo, decodeError);
    else if (kind === classRam || kind === classDevice) {
      if (size !== 4 || this.cells[cell + cellOwner] !== this.vcpu || !this.mayAdvance(cell)) {
        // Narrow stores would tear a version out of its word; a device only compares them with its tag.
        if (kind === classRam || size === 4) this.read(port, hi, lo, size, entry);
        else this.store(port, hi, lo, size, entry, this.cells[cell + cellWriteTag]!, ok);
        return;
      }
      const slot = this.cells[cell + cellSlot]!;
      const version = (this.versions[slot]! + 1) & versionMask;
      this.versions[slot] = version;
      this.store(port, hi, lo, 4, entry, this.cells[cell + cellWriteTag]! | (version << versionShift), ok);
    } else if (kind === classRomDevice) {
      this.store(port, hi, lo, size === 1 ? 1 : 2, entry, this.cells[cell + cellWriteTag]!, ok);
    } else this.store(port, hi, lo, size, entry, ~this.cells[cell + cellWriteTag]!, ok); // must be dropped
  }

  /** Counts a violation that was found outside read() and write(). */
  report(what: number, hi: number, lo: number, access: number, expected: number, value: number): void {
    const { vcpu, space, step } = this;
    board.putFinding(this.words, vcpu, { what, space, step, hi, lo, access, expected, value, result: ok });
  }

  /** Whether our own cell may be written once more in this era. */
  private mayAdvance(cell: number): boolean {
    const slot = this.cells[cell + cellSlot]!;
    if (this.eras[slot] !== this.era) {
      this.eras[slot] = this.era;
      this.firstVersions[slot] = this.versions[slot]!;
    }
    return ((this.versions[slot]! - this.firstVersions[slot]!) & versionMask) < versionsPerEra;
  }

  /** Whether result and tag are the due ones, for every size and class. */
  private judge(port: MemoryPort, hi: number, lo: number, size: number, entry: number, value: number): void {
    const isHole = classOf(entry) === classHole;
    const due = isHole ? 0 : this.cells[cellOf(entry) * stride]!;
    const mask = isHole ? -1 : size === 1 ? 0xff : tagMask;
    if (port.result !== (isHole ? decodeError : ok))
      this.found(board.FOUND_RESULT, port, hi, lo, size, entry, value);
    else if (((value ^ due) & mask) !== 0) this.found(board.FOUND_ANSWER, port, hi, lo, size, entry, value);
  }

  private store(
    port: MemoryPort,
    hi: number,
    lo: number,
    size: number,
    entry: number,
    value: number,
    due: number,
  ): void {
    this.checked = (this.checked + 1) | 0;
    if (size === 4) port.store32(hi, lo, value);
    else if (size === 2) port.store16(hi, lo, value);
    else port.store8(hi, lo, value);
    if (port.result !== due) this.found(board.FOUND_RESULT, port, hi, lo, -size, entry, value);
  }

  private found(
    what: number,
    port: MemoryPort,
    hi: number,
    lo: number,
    access: number,
    expected: number,
    value: number,
  ): void {
    const { vcpu, space, step } = this;
    const { result } = port;
    board.putFinding(this.words, vcpu, { what, space, step, hi, lo, access, expected, value, result });
  }
}
