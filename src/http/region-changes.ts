/** Regions as answers and events have them, and which of them differ from what was told last. */
import { hexFromAddress } from '../base/addresses.ts';
import type { MemoryRegion } from '../model/memory-region.ts';
import { regionType } from '../qemu/hierarchy.ts';
import { ownerInJson } from '../qemu/region-owner.ts';
import type { Inventory } from './inventory.ts';
import type { RegionStateJson } from './schemas.ts';

export interface ToldRegions {
  readonly regions: readonly RegionStateJson[];
  /** False if regions came, went, or were mapped elsewhere, or too many changed: ask for all of them. */
  readonly complete: boolean;
}

const REGIONS_TOLD = 256;

/** What mutations change without moving a region in the tree. */
type Fields = readonly unknown[];
const fieldsOf = (region: MemoryRegion): Fields => {
  const { address, size, enabled, readonly, nonvolatile, romd, aliasOffset } = region;
  return [address, size, enabled, readonly, nonvolatile, romd, aliasOffset];
};
/** What is another if the tree has another shape. */
const placeOf = ({ container, priority, children }: MemoryRegion): Fields => [
  container,
  priority,
  ...children,
];

interface Known {
  readonly fields: Fields;
  readonly place: Fields;
}

export class RegionChanges {
  private readonly inventory: Inventory;
  private known: Map<string, Known>;

  constructor(inventory: Inventory) {
    this.inventory = inventory;
    this.known = this.snapshot();
  }

  /** What differs from when it was asked last; undefined if nothing does. */
  take(): ToldRegions | undefined {
    const { inventory, known } = this;
    this.known = this.snapshot();
    let complete = this.known.size === known.size;
    const changed: string[] = [];
    for (const [id, now] of this.known) {
      const before = known.get(id);
      if (before === undefined || !areSame(before.place, now.place)) complete = false;
      else if (!areSame(before.fields, now.fields)) changed.push(id);
    }
    if (changed.length > REGIONS_TOLD) complete = false;
    if (!complete) return { regions: [], complete };
    if (changed.length === 0) return undefined;
    return { regions: changed.map((id) => regionJson(id, inventory.region(id), inventory)), complete };
  }

  private snapshot(): Map<string, Known> {
    const entries = [...this.inventory.regions].map(([id, region]) => {
      return [id, { fields: fieldsOf(region), place: placeOf(region) }] as const;
    });
    return new Map(entries);
  }
}

const areSame = (a: Fields, b: Fields): boolean =>
  a.length === b.length && a.every((value, index) => value === b[index]);

export function regionJson(id: string, region: MemoryRegion, inventory: Inventory): RegionStateJson {
  const { name, kind, size, address, priority, enabled, readonly, nonvolatile, romd, container } = region;
  const { aliasTarget, aliasOffset, children } = region;
  const idOf = (other: MemoryRegion): string | null => inventory.idOfRegion(other);
  return {
    ...{ id, name, kind, type: regionType(region), priority, enabled, readonly, nonvolatile, romd },
    size: hexFromAddress(size),
    address: hexFromAddress(address),
    owner: ownerInJson(region),
    container: container === null ? null : idOf(container),
    alias: aliasTarget === null ? null : { target: idOf(aliasTarget), offset: hexFromAddress(aliasOffset) },
    children: children.map(idOf).filter((child) => child !== null),
  };
}
