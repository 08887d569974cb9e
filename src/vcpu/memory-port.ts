/**
 * A vCPU's view of one address space: loads, stores, atomics, bulk copies. Owned by one thread; nothing
 * here is shared but the bytes of RAM.
 * Guarantee: between two quiescent states of its reader every access is answered by one and the same
 * layout, the one taken by the last refresh(), and no access takes a lock or writes a shared word of ours.
 *
 * Addresses are two int32 halves (hi, lo); multi-byte values are little-endian; any alignment is allowed.
 * An aligned access of up to 32 bits does not tear; an aligned 64-bit load or store is two 32-bit ones
 * (use atomic…64 where that matters). Races between vCPUs on RAM are the guest's own.
 */
import { MEMTX_OK } from '../base/mem-tx-result.ts';
import { swapped32 } from './access-loop.ts';
import { AddressSpacePort } from './address-space-port.ts';
import { AtomicCell } from './atomic-cell.ts';
import type { DeviceCalls } from './device-calls.ts';
import { PAGE_MASK, TLB_DEVICE, TLB_DEVICE_SHIFT, TLB_HI_SHIFT, TLB_LO_SHIFT, TLB_WORD_MASK } from './tlb.ts';
import type { PortMemory } from './view-reader.ts';

const ok = MEMTX_OK; // local names for the hot path: V8 does not fold imported bindings
const pageMask = PAGE_MASK;
const loShift = TLB_LO_SHIFT;
const hiShift = TLB_HI_SHIFT;
const wordMask = TLB_WORD_MASK;
const deviceTag = TLB_DEVICE;
const deviceShift = TLB_DEVICE_SHIFT;

export class MemoryPort extends AddressSpacePort {
  // Declared, so that each is stored once, by the constructor: V8 then takes a known port's fields for
  // constants. A field that is also defined, as undefined, costs the loop around load32 a third more.
  declare private readonly tlb: Int32Array;
  declare private readonly ram8: Uint8Array<SharedArrayBuffer>;
  declare private readonly ram16: Uint16Array<SharedArrayBuffer>;
  declare private readonly ram32: Int32Array<SharedArrayBuffer>;
  declare private readonly devices: DeviceCalls;
  declare private readonly atomic: AtomicCell;

  /** @param addressSpace index that the machine gave to it; call refresh() before the first access */
  constructor(memory: PortMemory, addressSpace: number, devices: DeviceCalls) {
    super(memory, addressSpace, devices);
    this.atomic = new AtomicCell(this.slow);
    this.devices = devices;
    this.tlb = this.slow.tlb;
    this.ram8 = memory.ram.main.bytes;
    this.ram16 = memory.ram.main.halves;
    this.ram32 = memory.ram.main.words;
  }

  /** Byte at (hi, lo), zero-extended. A hole reads as 0 with MEMTX_DECODE_ERROR; so for all loads. */
  load8(hi: number, lo: number): number {
    const entry = ((lo >>> loShift) + (hi << hiShift)) & wordMask;
    const tlb = this.tlb;
    if (tlb[entry] !== (lo & pageMask) || tlb[entry + 2] !== hi) return this.loadDevice(hi, lo, 1);
    this.result = ok;
    return this.ram8[(tlb[entry + 3]! + lo) >>> 0]!;
  }

  /** 16 bits at (hi, lo), zero-extended. */
  load16(hi: number, lo: number): number {
    const entry = ((lo >>> loShift) + (hi << hiShift)) & wordMask;
    const tlb = this.tlb;
    if (tlb[entry] !== (lo & (pageMask | 1)) || tlb[entry + 2] !== hi) return this.loadDevice(hi, lo, 2);
    this.result = ok;
    return this.ram16[(tlb[entry + 3]! + lo) >>> 1]!;
  }

  /** 32 bits at (hi, lo), as int32. */
  load32(hi: number, lo: number): number {
    const entry = ((lo >>> loShift) + (hi << hiShift)) & wordMask;
    const tlb = this.tlb;
    if (tlb[entry] !== (lo & (pageMask | 3)) || tlb[entry + 2] !== hi) return this.loadDevice(hi, lo, 4);
    this.result = ok;
    return this.ram32[(tlb[entry + 3]! + lo) >>> 2]!;
  }

  /** 64 bits at (hi, lo): returns the lower half as int32 and leaves the upper half in `high`. */
  load64(hi: number, lo: number): number {
    const entry = ((lo >>> loShift) + (hi << hiShift)) & wordMask;
    const tlb = this.tlb;
    if (tlb[entry] !== (lo & (pageMask | 7)) || tlb[entry + 2] !== hi) return this.loadSlow(hi, lo, 8);
    this.result = ok;
    const word = (tlb[entry + 3]! + lo) >>> 2;
    this.high = this.ram32[word + 1]!;
    return this.ram32[word]!;
  }

  /** Stores the low byte of `value`. Read-only memory discards it with MEMTX_OK; so for all stores. */
  store8(hi: number, lo: number, value: number): void {
    const entry = ((lo >>> loShift) + (hi << hiShift)) & wordMask;
    const tlb = this.tlb;
    if (tlb[entry + 1] !== (lo & pageMask) || tlb[entry + 2] !== hi) this.storeDevice(hi, lo, 1, value);
    else {
      this.result = ok;
      this.ram8[(tlb[entry + 3]! + lo) >>> 0] = value;
    }
  }

  store16(hi: number, lo: number, value: number): void {
    const entry = ((lo >>> loShift) + (hi << hiShift)) & wordMask;
    const tlb = this.tlb;
    if (tlb[entry + 1] !== (lo & (pageMask | 1)) || tlb[entry + 2] !== hi) this.storeDevice(hi, lo, 2, value);
    else {
      this.result = ok;
      this.ram16[(tlb[entry + 3]! + lo) >>> 1] = value;
    }
  }

  store32(hi: number, lo: number, value: number): void {
    const entry = ((lo >>> loShift) + (hi << hiShift)) & wordMask;
    const tlb = this.tlb;
    if (tlb[entry + 1] !== (lo & (pageMask | 3)) || tlb[entry + 2] !== hi) this.storeDevice(hi, lo, 4, value);
    else {
      this.result = ok;
      this.ram32[(tlb[entry + 3]! + lo) >>> 2] = value;
    }
  }

  store64(hi: number, lo: number, valueHi: number, valueLo: number): void {
    const entry = ((lo >>> loShift) + (hi << hiShift)) & wordMask;
    const tlb = this.tlb;
    if (tlb[entry + 1] !== (lo & (pageMask | 7)) || tlb[entry + 2] !== hi) {
      this.storeSlow(hi, lo, 8, valueHi, valueLo);
    } else {
      this.result = ok;
      const word = (tlb[entry + 3]! + lo) >>> 2;
      this.ram32[word] = valueLo;
      this.ram32[word + 1] = valueHi;
    }
  }

  /**
   * Guest AMOs: sequentially consistent read-modify-write of naturally aligned RAM; they return the value
   * before. Elsewhere nothing is written, 0 is returned and `result` tells why: MEMTX_ERROR misaligned,
   * MEMTX_ACCESS_ERROR read-only memory or a device, MEMTX_DECODE_ERROR a hole.
   */
  atomicAdd32(hi: number, lo: number, value: number): number {
    const word = this.atomicWord(hi, lo);
    return word < 0 ? 0 : Atomics.add(this.atomic.words, word, value);
  }
  atomicAnd32(hi: number, lo: number, value: number): number {
    const word = this.atomicWord(hi, lo);
    return word < 0 ? 0 : Atomics.and(this.atomic.words, word, value);
  }
  atomicOr32(hi: number, lo: number, value: number): number {
    const word = this.atomicWord(hi, lo);
    return word < 0 ? 0 : Atomics.or(this.atomic.words, word, value);
  }
  atomicXor32(hi: number, lo: number, value: number): number {
    const word = this.atomicWord(hi, lo);
    return word < 0 ? 0 : Atomics.xor(this.atomic.words, word, value);
  }
  atomicSwap32(hi: number, lo: number, value: number): number {
    const word = this.atomicWord(hi, lo);
    return word < 0 ? 0 : Atomics.exchange(this.atomic.words, word, value);
  }
  atomicCompareExchange32(hi: number, lo: number, expected: number, replacement: number): number {
    const word = this.atomicWord(hi, lo);
    return word < 0 ? 0 : Atomics.compareExchange(this.atomic.words, word, expected, replacement);
  }

  /** 64-bit AMOs. Values are bigint, taken modulo 2^64 and returned signed: the only ones that allocate. */
  atomicAdd64(hi: number, lo: number, value: bigint): bigint {
    const at = this.atomicDouble(hi, lo);
    return at < 0 ? 0n : Atomics.add(this.atomic.doubles, at, value);
  }
  atomicAnd64(hi: number, lo: number, value: bigint): bigint {
    const at = this.atomicDouble(hi, lo);
    return at < 0 ? 0n : Atomics.and(this.atomic.doubles, at, value);
  }
  atomicOr64(hi: number, lo: number, value: bigint): bigint {
    const at = this.atomicDouble(hi, lo);
    return at < 0 ? 0n : Atomics.or(this.atomic.doubles, at, value);
  }
  atomicXor64(hi: number, lo: number, value: bigint): bigint {
    const at = this.atomicDouble(hi, lo);
    return at < 0 ? 0n : Atomics.xor(this.atomic.doubles, at, value);
  }
  atomicSwap64(hi: number, lo: number, value: bigint): bigint {
    const at = this.atomicDouble(hi, lo);
    return at < 0 ? 0n : Atomics.exchange(this.atomic.doubles, at, value);
  }
  atomicCompareExchange64(hi: number, lo: number, expected: bigint, replacement: bigint): bigint {
    const at = this.atomicDouble(hi, lo);
    return at < 0 ? 0n : Atomics.compareExchange(this.atomic.doubles, at, expected, replacement);
  }

  /** The big-endian forms: the bytes at ascending addresses, most significant first. */
  load16be(hi: number, lo: number): number {
    return swapped32(this.load16(hi, lo)) >>> 16;
  }
  load32be(hi: number, lo: number): number {
    return swapped32(this.load32(hi, lo));
  }
  load64be(hi: number, lo: number): number {
    const low = this.load64(hi, lo);
    const value = swapped32(this.high);
    this.high = swapped32(low);
    return value;
  }
  store16be(hi: number, lo: number, value: number): void {
    this.store16(hi, lo, swapped32(value) >>> 16);
  }
  store32be(hi: number, lo: number, value: number): void {
    this.store32(hi, lo, swapped32(value));
  }
  store64be(hi: number, lo: number, valueHi: number, valueLo: number): void {
    this.store64(hi, lo, swapped32(valueLo), swapped32(valueHi));
  }

  /** Of a page that is a device's, the naturally aligned access; the slow way for everything else. */
  private loadDevice(hi: number, lo: number, size: number): number {
    const entry = ((lo >>> loShift) + (hi << hiShift)) & wordMask;
    const tlb = this.tlb;
    if (tlb[entry] !== ((lo & (pageMask | (size - 1))) | deviceTag) || tlb[entry + 2] !== hi) {
      return this.loadSlow(hi, lo, size);
    }
    const devices = this.devices;
    const value = devices.read(
      tlb[entry + 1]! >>> deviceShift,
      (lo + tlb[entry + 3]!) | 0,
      size,
      this.slow.attrs,
    );
    this.result = devices.result;
    return value;
  }

  private storeDevice(hi: number, lo: number, size: number, value: number): void {
    const entry = ((lo >>> loShift) + (hi << hiShift)) & wordMask;
    const tlb = this.tlb;
    if (tlb[entry] !== ((lo & (pageMask | (size - 1))) | deviceTag) || tlb[entry + 2] !== hi) {
      this.storeSlow(hi, lo, size, 0, value);
      return;
    }
    const devices = this.devices;
    const unsigned = size === 4 ? value >>> 0 : value & ((1 << (size << 3)) - 1);
    devices.write(
      tlb[entry + 1]! >>> deviceShift,
      (lo + tlb[entry + 3]!) | 0,
      size,
      unsigned,
      0,
      this.slow.attrs,
    );
    this.result = devices.result;
  }

  private loadSlow(hi: number, lo: number, size: number): number {
    const slow = this.slow;
    const value = slow.load(hi | 0, lo | 0, size) | 0;
    this.result = slow.result;
    this.high = slow.high;
    return value;
  }

  private storeSlow(hi: number, lo: number, size: number, valueHi: number, valueLo: number): void {
    const slow = this.slow;
    slow.store(hi | 0, lo | 0, size, valueHi | 0, valueLo | 0);
    this.result = slow.result;
  }

  private atomicWord(hi: number, lo: number): number {
    const word = this.atomic.locate(hi | 0, lo | 0, 4);
    this.result = this.atomic.result;
    return word;
  }

  private atomicDouble(hi: number, lo: number): number {
    const at = this.atomic.locate(hi | 0, lo | 0, 8);
    this.result = this.atomic.result;
    return at;
  }
}
