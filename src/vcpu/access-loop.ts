/**
 * Fits a guest's access to what a device implements: tells what its rules do not allow, makes several calls of a
 * wide access and a wider call of a narrow one, and brings the bytes into the device's order.
 * Guarantee: the value of a call, written in the device's byte order, is the guest's bytes at ascending addresses.
 * Values are two int32 halves. Knows neither callbacks nor threads.
 * @source QEMU's behaviour: spec sections 7.2, 7.4 and 7.5
 */
import type { FullAccessRules } from '../base/access-rules.ts';
import { assert } from '../base/assert.ts';
import type { MemTxAttrs } from '../base/mem-tx-attrs.ts';
import { MEMTX_OK, type MemTxResult } from '../base/mem-tx-result.ts';

/** One call of a device's callback each. */
export interface DevicePieces {
  /** MemTxResult of the last call. */
  result: MemTxResult;
  /** Upper half of the value of the last readPiece(). */
  high: number;
  /** Returns the lower half. */
  readPiece(offset: number, size: number, attrs: MemTxAttrs): number;
  writePiece(offset: number, size: number, valueLo: number, valueHi: number, attrs: MemTxAttrs): void;
}

/** What a callback implements where the rules do not say: spec 7.5. */
const IMPL_MIN = 1;
const IMPL_MAX = 4;

export class AccessLoop {
  /** MemTxResult of the last access: an OR over its calls. */
  result: MemTxResult = MEMTX_OK;
  /** Upper half of the value of the last read(). */
  high = 0;
  private readonly rules: FullAccessRules;
  private readonly pieces: DevicePieces;
  private readonly isBig: boolean;
  private readonly implMin: number;
  private readonly implMax: number;
  /** What shift() and swap() leave. */
  private lo = 0;
  private hi = 0;

  constructor(rules: FullAccessRules, pieces: DevicePieces) {
    assert(rules.endianness !== 'native', "a machine resolves 'native' when it attaches a device");
    this.rules = rules;
    this.pieces = pieces;
    this.isBig = rules.endianness === 'big';
    this.implMin = rules.implMin || IMPL_MIN;
    this.implMax = rules.implMax || IMPL_MAX;
  }

  /** True if one call does every aligned access of up to 4 bytes, and none of them is refused. */
  get isTransparent(): boolean {
    const { rules } = this;
    const anyValid = rules.validMax === 0 || (rules.validMax >= 4 && rules.validMin <= 1);
    return anyValid && this.implMin === 1 && this.implMax >= 4 && !this.isBig;
  }

  /** Whether size and alignment are what the device allows. No largest size: no smallest either (Q5). */
  allows(offset: number, size: number): boolean {
    const { validMin, validMax, validUnaligned } = this.rules;
    if (!validUnaligned && offset % size !== 0) return false;
    return validMax === 0 || (size <= validMax && size >= validMin);
  }

  /** @returns the lower half of the little-endian value, of `size` bytes */
  read(offset: number, size: number, attrs: MemTxAttrs): number {
    const { pieces, isBig } = this;
    const step = this.stepOf(size);
    // Local while a callback runs: it may lead back here.
    let lo = 0;
    let hi = 0;
    let result = MEMTX_OK;
    for (let done = 0; done < size; done += step) {
      const piece = pieces.readPiece(offset + done, step, attrs);
      result |= pieces.result;
      this.shift(
        maskLo(piece, step),
        step === 8 ? pieces.high : 0,
        isBig ? 8 * (size - step - done) : 8 * done,
      );
      lo |= this.lo;
      hi |= this.hi;
    }
    if (isBig) {
      this.swap(lo, hi, size);
      lo = this.lo;
      hi = this.hi;
    }
    this.result = result;
    this.high = size === 8 ? hi : 0;
    return maskLo(lo, size);
  }

  /** @param valueLo lower half of the little-endian value; bytes past `size` do not count */
  write(offset: number, size: number, valueLo: number, valueHi: number, attrs: MemTxAttrs): void {
    const { pieces, isBig } = this;
    const step = this.stepOf(size);
    let lo = maskLo(valueLo, size);
    let hi = size === 8 ? valueHi : 0;
    if (isBig) {
      this.swap(lo, hi, size);
      lo = this.lo;
      hi = this.hi;
    }
    let result = MEMTX_OK;
    for (let done = 0; done < size; done += step) {
      this.shift(lo, hi, isBig ? -8 * (size - step - done) : -8 * done);
      pieces.writePiece(offset + done, step, maskLo(this.lo, step), step === 8 ? this.hi : 0, attrs);
      result |= pieces.result;
    }
    this.result = result;
  }

  private stepOf(size: number): number {
    return Math.max(Math.min(size, this.implMax), this.implMin);
  }

  /** Leaves (hi, lo) in `hi` and `lo`, shifted left by `shift` bits, or right where it is negative. */
  private shift(lo: number, hi: number, shift: number): void {
    const bits = shift < 0 ? -shift : shift;
    if (bits === 0) {
      this.lo = lo;
      this.hi = hi;
    } else if (bits >= 32) {
      this.lo = shift > 0 ? 0 : hi >>> (bits - 32);
      this.hi = shift > 0 ? lo << (bits - 32) : 0;
    } else {
      this.lo = shift > 0 ? lo << bits : (lo >>> bits) | (hi << (32 - bits));
      this.hi = shift > 0 ? (hi << bits) | (lo >>> (32 - bits)) : hi >>> bits;
    }
  }

  /** Leaves the lowest `size` bytes of (hi, lo) in `hi` and `lo`, in the other order. */
  private swap(lo: number, hi: number, size: number): void {
    this.lo = size === 8 ? swapped32(hi) : size === 1 ? lo : swapped32(lo) >>> (32 - 8 * size);
    this.hi = size === 8 ? swapped32(lo) : 0;
  }
}

/** The lowest `size` bytes, at most 4: zero-extended, as int32. */
const maskLo = (lo: number, size: number): number => (size >= 4 ? lo | 0 : lo & ((1 << (size << 3)) - 1));

/** The four bytes of `value` in the other order. */
export const swapped32 = (value: number): number =>
  (value << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24);
