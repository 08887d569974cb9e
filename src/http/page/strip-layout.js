/**
 * What a strip draws of a flat view: ranges to scale; those too small to see get a least width, and several of them
 * side by side become one mark that says how many. Pure; pixels in, pixels out.
 */
import { addressAt, fractionOf } from './zoom.js';

/** @typedef {import('./types.d.ts').Range} Range */
/** @typedef {import('./zoom.js').Window} Window */

/**
 * @typedef {object} Item
 * @property {number} x
 * @property {number} width
 * @property {readonly Range[]} ranges one, or those of a mark
 */

export const WIDTH_MIN = 5;

/** @param {readonly Range[]} ranges ascending @param {Window} window @param {number} width of the strip */
export function itemsOf(ranges, window, width) {
  const end = window.start + window.size;
  /** @type {Item[]} */
  const items = [];
  for (const range of ranges) {
    if (range.last < window.start || range.start >= end) continue;
    const x = Math.max(0, fractionOf(window, range.start) * width);
    const right = Math.min(width, fractionOf(window, range.last + 1n) * width);
    const before = items.at(-1);
    const free = before === undefined ? 0 : before.x + before.width;
    if (right - x >= WIDTH_MIN) {
      const from = Math.min(Math.max(x, free), width - 1);
      items.push({ x: from, width: Math.max(1, right - from), ranges: [range] });
    } else if (before !== undefined && isMark(before) && x < free + 1) {
      items[items.length - 1] = joined(before, range, right, width);
    } else {
      const from = Math.min(Math.max(x, free), width - WIDTH_MIN);
      if (before !== undefined && free > from)
        items[items.length - 1] = { ...before, width: from - before.x };
      items.push({ x: from, width: WIDTH_MIN, ranges: [range] });
    }
  }
  return items;
}

/** @param {Item} item */
const isMark = ({ width, ranges }) => ranges.length > 1 || width <= WIDTH_MIN;

/** @param {Item} mark @param {Range} range @param {number} right @param {number} width */
const joined = (mark, range, right, width) => ({
  x: mark.x,
  width: Math.min(Math.max(mark.width, right - mark.x), width - mark.x),
  ranges: [...mark.ranges, range],
});

/** Pixels between two ticks, at least. */
const TICK_DISTANCE = 104;

/**
 * At multiples of a power of two, so that they are round in hex.
 * @param {Window} window @param {number} width
 * @returns {{ readonly address: bigint, readonly x: number }[]}
 */
export function ticksOf(window, width) {
  let step = 1n;
  while ((Number(step) / Number(window.size)) * width < TICK_DISTANCE) step <<= 1n;
  const ticks = [];
  for (let at = ((window.start + step - 1n) / step) * step; at < window.start + window.size; at += step)
    ticks.push({ address: at, x: fractionOf(window, at) * width });
  return ticks;
}

/**
 * Where a span lies on the strip, at least 2 pixels wide; null if it is outside.
 * @param {import('./types.d.ts').Span} span @param {Window} window @param {number} width
 */
export function extentOf({ start, last }, window, width) {
  if (last < window.start || start >= window.start + window.size) return null;
  const x = Math.max(0, fractionOf(window, start) * width);
  const right = Math.min(width, fractionOf(window, last + 1n) * width);
  return { x: Math.min(x, width - 2), width: Math.max(2, right - x) };
}

/** @param {Window} window @param {number} x @param {number} width */
export const addressAtPixel = (window, x, width) => addressAt(window, Math.min(1, Math.max(0, x / width)));

/** Parts of a view further apart than others, for who looks for what is small: at most so many. */
const ISLANDS_MAX = 6;

/**
 * What is mapped, as few spans with the widest gaps between them.
 * @param {readonly Range[]} ranges ascending
 * @returns {{ readonly start: bigint, readonly last: bigint, readonly count: number }[]}
 */
export function islandsOf(ranges) {
  const gaps = ranges.slice(1).map((range, index) => range.start - (ranges[index]?.last ?? 0n) - 1n);
  const widest = gaps.toSorted((a, b) => (a > b ? -1 : Number(a < b)))[ISLANDS_MAX - 1] ?? 0n;
  /** @type {{ start: bigint, last: bigint, count: number }[]} */
  const islands = [];
  for (const [index, { start, last }] of ranges.entries()) {
    const island = islands.at(-1);
    if (island === undefined || (gaps[index - 1] ?? 0n) > widest) islands.push({ start, last, count: 1 });
    else {
      island.last = last;
      island.count += 1;
    }
  }
  return islands;
}
