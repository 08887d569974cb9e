/**
 * The region trees as `info mtree` shows them: below each root, then once below each region that is the target of
 * an alias. Nothing is left out here; printers leave out what is disabled. Sections of address spaces are in the order
 * of names, where QEMU has that of a hash.
 */
import { ADDRESS_LAST } from '../base/addresses.ts';
import type { AddressSpace } from '../model/address-space.ts';
import type { MemoryRegion } from '../model/memory-region.ts';
import { VisitBudget } from '../model/visit-budget.ts';
import { groupUnder } from './group-under.ts';

export interface HierarchyNode {
  readonly region: MemoryRegion;
  /** Absolute within the section, modulo 2^64. */
  readonly start: bigint;
  /** Inclusive; that of a region of size 0 is its start. */
  readonly last: bigint;
  /** Whether start or last wrapped around. */
  readonly overflows: boolean;
  /** By address, then priority descending, then list order. */
  readonly children: readonly HierarchyNode[];
}

export interface HierarchySection {
  /** The names of those that have this root; none where the section is that of an alias target. */
  readonly addressSpaces: readonly string[];
  /** Null for address spaces without a root. */
  readonly root: HierarchyNode | null;
}

/** What can be shown at once: a layout file may have a quarter as many regions, and alias targets appear again. */
const NODES_MAX = 1 << 20;

/** @throws MemoryError RENDER_TOO_DEEP, RENDER_TOO_LARGE */
export function hierarchyOf(spaces: Iterable<AddressSpace>): HierarchySection[] {
  const walk: Walk = { targets: new Set(), budget: new VisitBudget(NODES_MAX) };
  const sections: HierarchySection[] = [];
  for (const [root, addressSpaces] of namesByRoot(spaces)) {
    sections.push({ addressSpaces, root: root === null ? null : nodeOf(root, 0n, 1, walk) });
  }
  for (const target of walk.targets) sections.push({ addressSpaces: [], root: nodeOf(target, 0n, 1, walk) });
  return sections;
}

export const inOrderOfNames = (spaces: Iterable<AddressSpace>): AddressSpace[] =>
  [...spaces].sort((a, b) => (a.name < b.name ? -1 : Number(a.name > b.name)));

/** How far from its first byte a region's last is; a region of size 0 is shown like one of size 1. */
export const lastOffset = (region: MemoryRegion): bigint => (region.size === 0n ? 0n : region.size - 1n);

/** What the tree calls a region: an alias is what its final target is, a container `i/o`. */
export function regionType(region: MemoryRegion): string {
  let shown = region;
  while (shown.aliasTarget !== null) shown = shown.aliasTarget;
  const prefix = region.nonvolatile ? 'nv-' : '';
  if (shown.kind === 'rom-device' && shown.romd) return `${prefix}romd`;
  if (shown.kind === 'ram-device') return `${prefix}ramd`;
  if (shown.kind !== 'ram') return `${prefix}i/o`;
  return `${prefix}${shown.readonly ? 'rom' : 'ram'}`;
}

function namesByRoot(spaces: Iterable<AddressSpace>): Map<MemoryRegion | null, string[]> {
  const names = new Map<MemoryRegion | null, string[]>();
  for (const { root, name } of inOrderOfNames(spaces)) groupUnder(names, root, name);
  return names;
}

interface Walk {
  /** Alias targets in the order in which they were met; grows on the way. */
  readonly targets: Set<MemoryRegion>;
  readonly budget: VisitBudget;
}

function nodeOf(region: MemoryRegion, base: bigint, depth: number, walk: Walk): HierarchyNode {
  walk.budget.spend(region, depth);
  const start = BigInt.asUintN(64, base + region.address);
  const end = start + lastOffset(region);
  if (region.aliasTarget !== null) walk.targets.add(region.aliasTarget);
  return {
    region,
    start,
    last: BigInt.asUintN(64, end),
    overflows: base + region.address > ADDRESS_LAST || end > ADDRESS_LAST,
    children: inAddressOrder(region.children).map((child) => nodeOf(child, start, depth + 1, walk)),
  };
}

const inAddressOrder = (children: readonly MemoryRegion[]): MemoryRegion[] =>
  children.toSorted((a, b) => {
    if (a.address !== b.address) return a.address < b.address ? -1 : 1;
    return b.priority - a.priority;
  });
