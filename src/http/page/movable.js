/**
 * Which regions can be moved, and where to. What is moved is a whole BAR: the region as far up as everything has the
 * same owner; its place is its address within its container.
 */
import { powerOfTwoFrom } from './addresses.js';

/** @typedef {import('./types.d.ts').Region} Region */
/** @typedef {import('./region-tree.js').Regions} Regions */

/**
 * @typedef {object} Bar
 * @property {Region} region
 * @property {bigint} base  of its container, absolute in the address space
 * @property {bigint} start absolute
 * @property {bigint} size
 * @property {bigint} limit highest start that leaves it within its container
 * @property {bigint} step  its start is a multiple of this within its container
 */

const PAGE = 4096n;
/** In larger containers nothing lies closer than a page. */
const SMALL_CONTAINER = 1n << 20n;

/**
 * The BAR that `id` belongs to; null if it is not mapped directly below `root`, that is without an alias on the way.
 * @param {Regions} regions @param {string} id @param {string | null} root of the address space
 * @returns {Bar | null}
 */
export function barOf(regions, id, root) {
  let region = regions.get(id);
  if (region === undefined || region.alias !== null) return null;
  for (let above = containerOf(regions, region); above !== undefined && region.owner !== null; ) {
    if (above.owner !== region.owner || above.id === root || above.container === null) break;
    region = above;
    above = containerOf(regions, region);
  }
  const container = containerOf(regions, region);
  if (container === undefined) return null;
  const base = absoluteOf(regions, container, root);
  if (base === null) return null;
  const size = BigInt(region.size);
  const room = BigInt(container.size) - size;
  const natural = powerOfTwoFrom(size);
  const step = natural < PAGE && BigInt(container.size) > SMALL_CONTAINER ? PAGE : natural;
  return {
    region,
    base,
    start: base + BigInt(region.address),
    size,
    limit: base + (room > 0n ? room : 0n),
    step,
  };
}

/**
 * The nearest start at or below `start` where it may lie.
 * @param {Bar} bar @param {bigint} start absolute
 */
export function snapped({ base, limit, step }, start) {
  const kept = start < base ? base : start > limit ? limit : start;
  return base + ((kept - base) / step) * step;
}

/** @param {Regions} regions @param {Region} region */
const containerOf = (regions, region) =>
  region.container === null ? undefined : regions.get(region.container);

/** @param {Regions} regions @param {Region} region @param {string | null} root @returns {bigint | null} */
function absoluteOf(regions, region, root) {
  let address = 0n;
  for (let at = /** @type {Region | undefined} */ (region); at !== undefined; at = containerOf(regions, at)) {
    if (at.id === root) return address;
    address += BigInt(at.address);
  }
  return null;
}
