/**
 * A layout of very many regions, as a function of its number: each is a window of one page onto RAM, or off. In each
 * layout one in STORM_EVERY shows something else than in the one before.
 */
export const STORM_REGIONS = 10_000;
export const STORM_PAGES = 256;
const PAGE_BYTES = 4096;
const STORM_BASE = 0x1000_0000;
/** Regions that change in layout t are those of which t + region is a multiple of it. */
export const STORM_EVERY = 256;
export const STORM_OFF = -1;

export const stormAddress = (region: number): number => STORM_BASE + 2 * PAGE_BYTES * region;

/** The page that `region` shows in layout `tag`; STORM_OFF if none. */
export function stormPage(seed: number, tag: number, region: number): number {
  const epoch = Math.floor((tag + region) / STORM_EVERY);
  let hash = Math.imul(epoch ^ Math.imul(region + 1, 0x9e3779b1) ^ seed, 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  hash = (hash ^ (hash >>> 16)) >>> 0;
  return hash % 5 === 0 ? STORM_OFF : hash % STORM_PAGES;
}
