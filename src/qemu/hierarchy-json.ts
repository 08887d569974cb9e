/** The JSON form of the region trees, with what the text of `info mtree` leaves out: kinds, and sizes of 0. */
import { hexFromAddress } from '../base/addresses.ts';
import type { AddressSpace } from '../model/address-space.ts';
import type { MemoryRegion } from '../model/memory-region.ts';
import { type HierarchyNode, hierarchyOf, lastOffset, regionType } from './hierarchy.ts';
import type { MtreeOptions } from './mtree-options.ts';
import { ownerInJson } from './region-owner.ts';

export interface RegionJson {
  readonly name: string;
  readonly kind: MemoryRegion['kind'];
  /** What QEMU's text calls it: that of an alias is its final target's. */
  readonly type: string;
  /** Absolute within the section, modulo 2^64, as is `last`, which is inclusive. */
  readonly start: string;
  readonly last: string;
  readonly size: string;
  readonly priority: number;
  readonly enabled: boolean;
  /** Of an alias: the target's name, and which of its bytes are shown. */
  readonly alias?: { readonly target: string; readonly offset: string; readonly last: string };
  /** With -o: as captured; null for an orphan. */
  readonly owner?: string | null;
  /** By address, then priority descending, then list order. */
  readonly children: readonly RegionJson[];
}

export interface SectionJson {
  /** The names of those that have this root, sorted; empty where it is here as the target of an alias. */
  readonly addressSpaces: readonly string[];
  /** The root's name; null for address spaces without one. */
  readonly root: string | null;
  /** The root alone; its children, if it is disabled and left out. */
  readonly regions: readonly RegionJson[];
}

/**
 * As printMtree() has it, with the same options: what is disabled is left out unless asked for, and its children
 * take its place.
 * @throws MemoryError RENDER_TOO_DEEP, RENDER_TOO_LARGE
 */
export const hierarchyJsonOf = (spaces: Iterable<AddressSpace>, options: MtreeOptions = {}): SectionJson[] =>
  hierarchyOf(spaces).map(({ addressSpaces, root }) => ({
    addressSpaces,
    root: root?.region.name ?? null,
    regions: root === null ? [] : regionsJson(root, options),
  }));

function regionsJson({ region, start, last, children }: HierarchyNode, options: MtreeOptions): RegionJson[] {
  const below = children.flatMap((child) => regionsJson(child, options));
  if (!region.enabled && options.showDisabled !== true) return below;
  const { name, kind, priority, enabled, aliasTarget, aliasOffset } = region;
  return [
    {
      ...{ name, kind, type: regionType(region) },
      start: hexFromAddress(start),
      last: hexFromAddress(last),
      size: hexFromAddress(region.size),
      ...{ priority, enabled },
      ...(aliasTarget !== null && {
        alias: {
          target: aliasTarget.name,
          offset: hexFromAddress(aliasOffset),
          last: hexFromAddress(BigInt.asUintN(64, aliasOffset + lastOffset(region))),
        },
      }),
      ...(options.showOwners === true && { owner: ownerInJson(region) }),
      children: below,
    },
  ];
}
