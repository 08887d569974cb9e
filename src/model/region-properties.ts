/**
 * What a region is: the part of MemoryRegion that is read. What changes is changed by its mutators only.
 */
import type { DeviceBinding } from '../base/device-binding.ts';
import type { AddressSpace } from './address-space.ts';
import {
  nameFromArgument,
  offsetFromArgument,
  ownerFromArgument,
  priorityFromArgument,
  sizeFromArgument,
} from './arguments.ts';
import type { Iommu } from './iommu.ts';
import type { MemoryRegion } from './memory-region.ts';
import { type RamBacking, RESERVED_RAM } from './ram-backing.ts';
import { RegionLinks } from './region-links.ts';
import {
  type Bytes,
  flagsFromOptions,
  type MemoryRegionKind,
  type MemoryRegionOptions,
} from './region-options.ts';
import { RegionState } from './region-state.ts';

export interface RegionParts {
  readonly kind: MemoryRegionKind;
  readonly name: string;
  readonly size: Bytes;
  readonly options: MemoryRegionOptions | undefined;
  readonly device?: DeviceBinding | null;
  readonly iommu?: Iommu;
  readonly backing?: RamBacking;
  readonly alias?: { readonly target: MemoryRegion; readonly offset: Bytes };
}

let regionCount = 0;

export abstract class RegionProperties {
  /** Unique in this process, from 1, never used again. */
  readonly id: number;
  readonly kind: MemoryRegionKind;
  readonly name: string;
  readonly owner: string | null;
  /** Who answers for an I/O region or a ROM device; null rejects every access. */
  readonly device: DeviceBinding | null;
  /** Where its bytes come from, for those kinds that have some. */
  readonly backing: RamBacking;
  /** What an alias shows; null for every other kind. */
  readonly aliasTarget: MemoryRegion | null;
  /** Whether it answers for addresses that its children leave open. */
  readonly terminates: boolean;
  /** How it hangs in the tree. Written by model/ only. */
  readonly links: RegionLinks;
  protected readonly state: RegionState;
  private readonly ownIommu: Iommu | null;

  protected constructor(parts: RegionParts) {
    const { kind, options = {} } = parts;
    const name = nameFromArgument(`a region of kind '${kind}'`, parts.name);
    const where = `region '${name}'`;
    this.kind = kind;
    this.name = name;
    this.owner = ownerFromArgument(where, options.owner);
    this.device = parts.device ?? null;
    this.ownIommu = parts.iommu ?? null;
    this.backing = parts.backing ?? RESERVED_RAM;
    this.aliasTarget = parts.alias?.target ?? null;
    this.terminates = kind !== 'container' && kind !== 'alias';
    this.state = new RegionState(
      flagsFromOptions(where, options),
      sizeFromArgument(where, parts.size),
      offsetFromArgument(where, parts.alias?.offset ?? 0n),
    );
    this.links = new RegionLinks(
      offsetFromArgument(where, options.address ?? 0n),
      priorityFromArgument(where, options.priority ?? 0),
    );
    this.id = ++regionCount;
  }

  /** In bytes, 0 to 2^64. */
  get size(): bigint {
    return this.state.size;
  }
  get enabled(): boolean {
    return this.state.flags.enabled;
  }
  get readonly(): boolean {
    return this.state.flags.readonly;
  }
  get nonvolatile(): boolean {
    return this.state.flags.nonvolatile;
  }
  get unmergeable(): boolean {
    return this.state.flags.unmergeable;
  }
  /** RAM, ROM or RAM device, as QEMU's memory_region_is_ram; not a ROM device. */
  get isRam(): boolean {
    return this.kind === 'ram' || this.kind === 'ram-device';
  }
  /** ROM device: whether reads go straight to its bytes. Meaningless for other kinds. */
  get romd(): boolean {
    return this.state.flags.romd;
  }
  /** What translates for an IOMMU region, or for the one that an alias shows in the end; null otherwise. */
  get iommu(): Iommu | null {
    return this.aliasTarget === null ? this.ownIommu : this.aliasTarget.iommu;
  }
  /** Bytes from the start of its container; kept when it is unmapped. */
  get address(): bigint {
    return this.links.address;
  }
  /** Compared only among siblings; kept when it is unmapped. */
  get priority(): number {
    return this.links.priority;
  }
  get container(): MemoryRegion | null {
    return this.links.container;
  }
  /** Priority descending, the newest first among equals: the first that covers an address wins. */
  get children(): readonly MemoryRegion[] {
    return this.links.children.items;
  }
  /** Where in its target an alias begins. */
  get aliasOffset(): bigint {
    return this.state.aliasOffset;
  }
  /** The address spaces whose root it is. */
  get addressSpaces(): ReadonlySet<AddressSpace> {
    return this.links.rootOf;
  }

  protected get where(): string {
    return `region '${this.name}'`;
  }
}
