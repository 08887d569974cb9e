/** What there is to say of a range or a region: for the tooltip and for what is selected. */
import { hexOf, sizeText } from './addresses.js';
import { pathAt, pathText } from './region-path.js';

/** @typedef {import('./region-tree.js').Regions} Regions */

/**
 * @typedef {object} Facts
 * @property {string} title
 * @property {string} type
 * @property {readonly (readonly [label: string, value: string])[]} rows
 */

/** @param {import('./types.d.ts').Span} span */
export const spanText = ({ start, last }) => `${hexOf(start)} – ${hexOf(last)}`;

/** Only what names the owner. @param {string | null} owner */
export function ownerText(owner) {
  if (owner === null || owner === 'orphan') return 'none';
  return /^(?:owner|parent):\{(?:dev|obj) (?:id|path|type)=([^{}]*)\}/.exec(owner)?.[1] ?? owner;
}

/**
 * @param {import('./types.d.ts').Range} range @param {Regions} regions
 * @param {string | null} root of its address space
 * @returns {Facts}
 */
export function factsOfRange(range, regions, root) {
  const region = range.region === null ? undefined : regions.get(range.region);
  const offset = range.offset === 0n ? '' : `, from its byte ${hexOf(range.offset)}`;
  return {
    title: range.name,
    type: range.type,
    rows: [
      ['range', spanText(range)],
      ['size', `${sizeText(range.last - range.start + 1n)}${offset}`],
      ['priority', `${range.priority}`],
      ['owner', ownerText(region?.owner ?? null)],
      ['path', pathText(pathAt(regions, root, range.start))],
    ],
  };
}

/**
 * @param {import('./region-tree.js').Row} row @param {Regions} regions
 * @returns {Facts}
 */
export function factsOfRow({ region, start, last }, regions) {
  const { name, type, kind, size, priority, owner, enabled, alias } = region;
  const target = alias?.target == null ? undefined : regions.get(alias.target);
  /** @type {[string, string]} */
  const shows = ['shows', `${target?.name} from ${hexOf(BigInt(alias?.offset ?? 0))}`];
  return {
    title: name,
    type,
    rows: [
      ['kind', `${kind}${enabled ? '' : ', disabled'}`],
      ['range', spanText({ start, last })],
      ['size', sizeText(BigInt(size))],
      ['priority', `${priority}`],
      ['owner', ownerText(owner)],
      ...(target === undefined ? [] : [shows]),
      ['path', ancestors(region, regions)],
    ],
  };
}

/** @param {import('./types.d.ts').Region} region @param {Regions} regions */
function ancestors(region, regions) {
  const names = [region.name];
  for (let { container } = region, depth = 0; container !== null && depth < 64; depth += 1) {
    const above = regions.get(container);
    names.unshift(above?.name ?? container);
    container = above?.container ?? null;
  }
  return names.join(' › ');
}
