/**
 * Who answers at an address, and over which containers and aliases: the rule of visibility, walked for one address.
 * Children come in list order, which is the order in which they hide each other.
 */

/** @typedef {import('./types.d.ts').Region} Region */
/** @typedef {import('./region-tree.js').Regions} Regions */

const DEPTH_MAX = 64;

/**
 * From the root to the region that answers; empty if none does.
 * @param {Regions} regions @param {string | null} root @param {bigint} address
 * @returns {readonly Region[]}
 */
export function pathAt(regions, root, address) {
  const region = root === null ? undefined : regions.get(root);
  return region === undefined ? [] : (walk(regions, region, address - BigInt(region.address), 0) ?? []);
}

/**
 * @param {Regions} regions @param {Region} region @param {bigint} offset in it @param {number} depth
 * @returns {readonly Region[] | null}
 */
function walk(regions, region, offset, depth) {
  if (!region.enabled || offset < 0n || offset >= BigInt(region.size) || depth > DEPTH_MAX) return null;
  if (region.alias !== null) {
    const target = region.alias.target === null ? undefined : regions.get(region.alias.target);
    if (target === undefined) return null;
    const below = walk(regions, target, offset + BigInt(region.alias.offset), depth + 1);
    return below && [region, ...below];
  }
  for (const id of region.children) {
    const child = regions.get(id);
    if (child === undefined) continue;
    const below = walk(regions, child, offset - BigInt(child.address), depth + 1);
    if (below !== null) return [region, ...below];
  }
  return region.kind === 'container' ? null : [region];
}

/** As one line: containers by ›, aliases by ⇢. @param {readonly Region[]} path */
export const pathText = (path) =>
  path
    .map(({ name, alias }, index) => {
      const isLast = index === path.length - 1;
      return `${name}${isLast ? '' : alias === null ? ' › ' : ' ⇢ '}`;
    })
    .join('');
