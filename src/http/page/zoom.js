/**
 * Which addresses a strip shows: a window of 2^64 down to a few bytes. Pure arithmetic; addresses stay exact, only
 * distances on the screen are floating point.
 */
import { powerOfTwoFrom, SPACE_SIZE } from './addresses.js';

/** @typedef {{ readonly start: bigint, readonly size: bigint }} Window */

export const SIZE_MIN = 16n;
/** @type {Window} */
export const WHOLE = { start: 0n, size: SPACE_SIZE };

/** The nearest window that lies within 2^64. @param {Window} window @returns {Window} */
export function clamped({ start, size }) {
  const kept = size < SIZE_MIN ? SIZE_MIN : size > SPACE_SIZE ? SPACE_SIZE : size;
  const lastStart = SPACE_SIZE - kept;
  return { start: start < 0n ? 0n : start > lastStart ? lastStart : start, size: kept };
}

/**
 * `fraction` of a size, to the 53 bits that a double has, however small it is.
 * @param {bigint} size @param {number} fraction
 */
const part = (size, fraction) => {
  if (Math.abs(fraction) < 2 ** -70) return 0n; // of 2^64 that is no byte
  const bits = 52 - Math.floor(Math.log2(Math.abs(fraction)));
  return bits <= 0
    ? size * BigInt(Math.round(fraction))
    : (size * BigInt(Math.round(fraction * 2 ** bits))) / (1n << BigInt(bits));
};

/** What lies at `fraction` of the window's width. @param {Window} window @param {number} fraction */
export const addressAt = ({ start, size }, fraction) => start + part(size, fraction);

/** Where an address lies, in widths of the window. @param {Window} window @param {bigint} address */
export const fractionOf = ({ start, size }, address) => Number(address - start) / Number(size);

/**
 * `factor` below 1 shows less; what lies at `fraction` stays where it is.
 * @param {Window} window @param {number} factor @param {number} fraction
 */
export function zoomed(window, factor, fraction) {
  const scale = 2 ** 20;
  const size = (window.size * BigInt(Math.round(factor * scale))) / BigInt(scale);
  const kept = clamped({ start: 0n, size }).size;
  return clamped({ start: window.start + part(window.size, fraction) - part(kept, fraction), size: kept });
}

/** By so many widths. @param {Window} window @param {number} fraction */
export const panned = (window, fraction) =>
  clamped({ start: window.start + part(window.size, fraction), size: window.size });

/** The span with room on both sides. @param {import('./types.d.ts').Span} span */
export function around({ start, last }) {
  const size = last - start + 1n;
  const margin = size / 8n > 0n ? size / 8n : 1n;
  return clamped({ start: start - margin, size: size + 2n * margin });
}

/** From 0, in a power of two: all that is mapped. @param {readonly import('./types.d.ts').Span[]} ranges */
export function content(ranges) {
  let last = 0n;
  for (const range of ranges) if (range.last > last) last = range.last;
  return clamped({ start: 0n, size: powerOfTwoFrom(last + 1n) });
}

/**
 * On the way from one window to another, by equal factors in equal times, as one that flies there: what does not
 * move on the screen is the point that both have in the same place.
 * @param {Window} from @param {Window} to @param {number} time 0 to 1
 */
export function between(from, to, time) {
  if (time <= 0) return from;
  if (time >= 1) return to;
  if (from.size === to.size)
    return clamped({ start: from.start + part(to.start - from.start, time), size: from.size });
  const [small, large, toSmall] = to.size < from.size ? [to, from, time] : [from, to, 1 - time];
  const ratio = Number(small.size) / Number(large.size);
  const size = part(large.size, ratio ** toSmall);
  const left = (ratio ** toSmall - ratio) / (1 - ratio); // of the way, seen from the small one: exact where it counts
  return clamped({ start: small.start + part(large.start - small.start, left), size });
}

/** @param {Window} a @param {Window} b */
export const isSame = (a, b) => a.start === b.start && a.size === b.size;
