/**
 * The regions and address spaces of a machine by the ids that requests name them by, and what mutations change
 * in it. Ids of regions are those of the layout, or the client's own; an address space's is its name, with a
 * number where that is taken.
 * Guarantee: after undo() it is as it was when the last begin() was called.
 */
import { MemoryError } from '../base/errors.ts';
import type { AddressSpace } from '../model/address-space.ts';
import type { MemoryRegion } from '../model/memory-region.ts';
import { ServiceError } from './problem.ts';

export class Inventory {
  readonly regions = new Map<string, MemoryRegion>();
  readonly spaces = new Map<string, AddressSpace>();
  private readonly regionIds = new Map<MemoryRegion, string>();
  private readonly spaceIds = new WeakMap<AddressSpace, string>();
  private readonly ramBytesMax: number;
  private ramBytes = 0n;
  private undos: (() => void)[] = [];

  /** @param ramBytesMax that all regions with bytes of their own may have together */
  constructor(ramBytesMax: number) {
    this.ramBytesMax = ramBytesMax;
  }

  begin(): void {
    this.undos = [];
  }

  undo(): void {
    for (const undo of this.undos.splice(0).reverse()) undo();
  }

  /** @throws ServiceError REGION_EXISTS; MemoryError RAM_EXHAUSTED past the machine's bound */
  addRegion(id: string, region: MemoryRegion): void {
    if (this.regions.has(id))
      throw new ServiceError(409, 'REGION_EXISTS', `there is a region '${id}' already; choose another id`);
    const bytes = ramBytesOf(region);
    if (this.ramBytes + bytes > this.ramBytesMax) {
      throw new MemoryError(
        'RAM_EXHAUSTED',
        `region '${id}' of 0x${region.size.toString(16)} bytes does not fit: a machine of this service may have ` +
          `0x${this.ramBytesMax.toString(16)} bytes of RAM`,
      );
    }
    this.putRegion(id, region);
    this.undos.push(() => this.takeRegion(id, region));
  }

  dropRegion(id: string): MemoryRegion {
    const region = this.region(id);
    this.takeRegion(id, region);
    this.undos.push(() => this.putRegion(id, region));
    return region;
  }

  /** @throws ServiceError REGION_UNKNOWN */
  region(id: string): MemoryRegion {
    const region = this.regions.get(id);
    if (region !== undefined) return region;
    throw new ServiceError(404, 'REGION_UNKNOWN', `there is no region '${id}'; GET …/regions lists them`);
  }

  idOfRegion(region: MemoryRegion): string | null {
    return this.regionIds.get(region) ?? null;
  }

  addSpace(space: AddressSpace): void {
    let id = space.name;
    for (let count = 2; this.spaces.has(id); count += 1) id = `${space.name}#${count}`;
    this.spaces.set(id, space);
    this.spaceIds.set(space, id);
    this.undos.push(() => this.spaces.delete(id));
  }

  removeSpace(id: string): AddressSpace {
    const space = this.space(id);
    this.spaces.delete(id);
    this.undos.push(() => this.spaces.set(id, space));
    return space;
  }

  /** @throws MemoryError ADDRESS_SPACE_UNKNOWN */
  space(id: string): AddressSpace {
    const space = this.spaces.get(id);
    if (space !== undefined) return space;
    throw new MemoryError(
      'ADDRESS_SPACE_UNKNOWN',
      `there is no address space '${id}'; the machine's own document lists them`,
    );
  }

  readonly idOfSpace = (space: AddressSpace): string => this.spaceIds.get(space) ?? space.name;

  private putRegion(id: string, region: MemoryRegion): void {
    this.regions.set(id, region);
    this.regionIds.set(region, id);
    this.ramBytes += ramBytesOf(region);
  }

  private takeRegion(id: string, region: MemoryRegion): void {
    this.regions.delete(id);
    this.regionIds.delete(region);
    this.ramBytes -= ramBytesOf(region);
  }
}

/** Bytes of its own. */
const ramBytesOf = ({ kind, size }: MemoryRegion): bigint =>
  kind === 'ram' || kind === 'ram-device' || kind === 'rom-device' ? size : 0n;
