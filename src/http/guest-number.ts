/**
 * 64-bit numbers of requests, "0x" and hex digits or plain integers, as two int32 halves: without a bigint, for
 * there are up to thousands in a request.
 */
import { addressFromHalves, hexFromAddress } from '../base/addresses.ts';

const DIGITS_MAX = 16;

/** Digit of an ASCII code, or -1. */
const digitOf = (code: number): number => {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
};

/** Reads numbers one after the other; the last one stands in `hi` and `lo`. */
export class GuestNumber {
  hi = 0;
  lo = 0;

  /** False if `value` is no number of 64 bits; negative integers count modulo 2^64. */
  read(value: string | number): boolean {
    if (typeof value === 'string') return this.readHex(value);
    if (!Number.isSafeInteger(value)) return false;
    this.lo = value | 0;
    this.hi = Math.floor(value / 2 ** 32) | 0;
    return true;
  }

  private readHex(text: string): boolean {
    const { length } = text;
    if (length < 3 || length > DIGITS_MAX + 2 || text.charCodeAt(0) !== 0x30) return false;
    if ((text.charCodeAt(1) | 0x20) !== 0x78) return false;
    let hi = 0;
    let lo = 0;
    for (let at = 2; at < length; at += 1) {
      const digit = digitOf(text.charCodeAt(at));
      if (digit < 0) return false;
      hi = (hi << 4) | (lo >>> 28);
      lo = (lo << 4) | digit;
    }
    this.hi = hi;
    this.lo = lo;
    return true;
  }
}

/** A value as answers have it: up to 4 bytes a number, 8 bytes "0x" and hex digits, which no number holds. */
export const valueFromHalves = (hi: number, lo: number, size: number): number | string =>
  size === 8 ? hexFromAddress(addressFromHalves(hi, lo)) : lo >>> 0;
