/**
 * The region trees as QEMU's info mtree draws them, from the list of regions: below each root, then once below each
 * region that an alias shows. Pure; every row has the monitor's text.
 */
import { ADDRESS_LAST, paddedHexOf, wrapped } from './addresses.js';

/** @typedef {import('./types.d.ts').Region} Region */

/**
 * @typedef {object} Row
 * @property {string} key      the same for as long as the tree has this shape
 * @property {Region} region
 * @property {number} depth    from 1
 * @property {bigint} start    absolute in its section
 * @property {bigint} last     inclusive
 * @property {string} text     the line, without indentation
 * @property {number} children rows directly below
 */

/**
 * @typedef {object} Section
 * @property {string} key
 * @property {readonly string[]} headings 'address-space: NAME', or one 'memory-region: NAME'
 * @property {readonly string[]} spaces   ids of the address spaces with this root
 * @property {string | null} root         id
 * @property {readonly Row[]} rows        in the order of the text
 */

/** What a page can show; a machine that has more is cut off. */
const ROWS_MAX = 20_000;
const DEPTH_MAX = 64;

/** @typedef {ReadonlyMap<string, Region>} Regions */

/**
 * @param {Regions} regions @param {readonly import('./types.d.ts').AddressSpace[]} spaces
 * @returns {Section[]}
 */
export function sectionsOf(regions, spaces) {
  /** @type {Map<string | null, import('./types.d.ts').AddressSpace[]>} */
  const byRoot = new Map();
  for (const space of spaces.toSorted((a, b) => (a.name < b.name ? -1 : Number(a.name > b.name)))) {
    const group = byRoot.get(space.root);
    if (group === undefined) byRoot.set(space.root, [space]);
    else group.push(space);
  }
  const walk = new Walk(regions);
  const sections = [...byRoot].map(([root, group]) => ({
    key: `space ${root}`,
    headings: group.map(({ name }) => `address-space: ${name}`),
    spaces: group.map(({ id }) => id),
    root,
    rows: walk.rowsBelow(root, `space ${root}`),
  }));
  for (const target of walk.targets) {
    sections.push({
      key: `region ${target}`,
      headings: [`memory-region: ${regions.get(target)?.name}`],
      spaces: [],
      root: target,
      rows: walk.rowsBelow(target, `region ${target}`),
    });
  }
  return sections;
}

class Walk {
  /** @param {Regions} regions */
  constructor(regions) {
    this.regions = regions;
    /** @type {Set<string>} ids of alias targets, in the order in which they were met; grows on the way */
    this.targets = new Set();
    this.rowCount = 0;
  }

  /** @param {string | null} root @param {string} key */
  rowsBelow(root, key) {
    /** @type {Row[]} */
    const rows = [];
    const region = root === null ? undefined : this.regions.get(root);
    if (region !== undefined) this.add(rows, region, 0n, 1, key);
    return rows;
  }

  /** @param {Row[]} rows @param {Region} region @param {bigint} base @param {number} depth @param {string} above */
  add(rows, region, base, depth, above) {
    if (this.rowCount >= ROWS_MAX || depth > DEPTH_MAX) return;
    this.rowCount += 1;
    const address = BigInt(region.address);
    const start = wrapped(base + address);
    const lastOffset = lastOffsetOf(region);
    const last = wrapped(start + lastOffset);
    const overflows = base + address > ADDRESS_LAST || start + lastOffset > ADDRESS_LAST;
    const key = `${above}/${region.id}`;
    if (region.alias?.target != null) this.targets.add(region.alias.target);
    const children = this.childrenOf(region);
    const text = `${overflows ? '[DETECTED OVERFLOW!] ' : ''}${lineOf(region, start, last, this.regions)}`;
    rows.push({ key, region, depth, start, last, text, children: children.length });
    for (const child of children) this.add(rows, child, start, depth + 1, key);
  }

  /** By address, then priority descending, then list order. @param {Region} region */
  childrenOf(region) {
    const children = region.children.flatMap((id) => this.regions.get(id) ?? []);
    return children.sort((a, b) => {
      const [one, other] = [BigInt(a.address), BigInt(b.address)];
      return one === other ? b.priority - a.priority : one < other ? -1 : 1;
    });
  }
}

/** A region of size 0 is shown like one of size 1. @param {Region} region */
const lastOffsetOf = ({ size }) => (BigInt(size) === 0n ? 0n : BigInt(size) - 1n);

/** @param {Region} region @param {bigint} start @param {bigint} last @param {Regions} regions */
function lineOf(region, start, last, regions) {
  const { priority, type, name, alias, enabled } = region;
  const place = `${paddedHexOf(start)}-${paddedHexOf(last)} (prio ${priority}, ${type}): `;
  const end = enabled ? '' : ' [disabled]';
  if (alias === null) return `${place}${name}${end}`;
  const offset = BigInt(alias.offset);
  const shown = `${paddedHexOf(offset)}-${paddedHexOf(wrapped(offset + lastOffsetOf(region)))}`;
  const target = alias.target === null ? '' : regions.get(alias.target)?.name;
  return `${place}alias ${name} @${target} ${shown}${end}`;
}

/** As the monitor prints all of it, with what is disabled. @param {readonly Section[]} sections */
export const textOf = (sections) =>
  sections
    .flatMap(({ headings, rows }) => [
      ...headings,
      ...rows.map(({ depth, text }) =>
        text.startsWith('[') ? text.replace('] ', `] ${'  '.repeat(depth)}`) : '  '.repeat(depth) + text,
      ),
      '',
    ])
    .map((line) => `${line}\n`)
    .join('');
