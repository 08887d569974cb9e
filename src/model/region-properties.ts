/**
 * What a region is: the part of MemoryRegion that is read. What changes is changed by its mutators only.
 */
import { invalidArgument, optionsFromArgument } from '../base/arguments.ts';
import type { DeviceBinding } from '../base/device-binding.ts';
import type { AddressSpace } from './address-space.ts';
import {
  booleanFromArgument,
  nameFromArgument,
  offsetFromArgument,
  priorityFromArgument,
  sizeFromArgument,
} from './arguments.ts';
import type { Iommu } from './iommu.ts';
import type { MemoryRegion } from './memory-region.ts';
import { Owner, ownerFromArgument } from './owner.ts';
import { type RamBacking, RESERVED_RAM } from './ram-backing.ts';
import { RegionLifetime } from './region-lifetime.ts';
import { RegionLinks } from './region-links.ts';
import { unattachedPath } from './region-names.ts';
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

const PLACEMENTS = ['local', 'control', 'hosted'];

let regionCount = 0;

export abstract class RegionProperties {
  /** Unique in this process, from 1, never used again. */
  readonly id: number;
  readonly kind: MemoryRegionKind;
  readonly name: string;
  /** Whose it is; printed by `-o`. Only an Owner keeps count of who uses its regions. */
  readonly owner: Owner | string | null;
  /** Id of its RAM block; null where the machine finds one, see MemoryRegionOptions. */
  readonly ramId: string | null;
  /** Whether its bytes belong to a saved or moved machine. */
  readonly migratable: boolean;
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
  readonly lifetime = new RegionLifetime();
  protected readonly state: RegionState;
  private readonly ownIommu: Iommu | null;
  private ownPath: string | null = null;

  protected constructor(parts: RegionParts) {
    const { kind } = parts;
    const name = nameFromArgument(`a region of kind '${kind}'`, parts.name);
    const where = `region '${name}'`;
    const options = optionsFromArgument(where, parts.options === undefined ? {} : parts.options);
    this.kind = kind;
    this.name = name;
    this.owner = ownerFromArgument(where, options.owner);
    this.device = deviceFromArgument(where, parts.device ?? null);
    this.ownIommu = parts.iommu ?? null;
    this.backing = parts.backing ?? RESERVED_RAM;
    const hasBytes = this.isRam || kind === 'rom-device';
    this.migratable = booleanFromArgument(
      where,
      'migratable',
      options.migratable ?? (hasBytes && this.backing.migratable),
    );
    this.ramId = ramIdFrom(where, this.owner, name, options.ramId);
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
    if (this.owner instanceof Owner) this.ownPath = this.owner.adopt(this as unknown as MemoryRegion);
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
  /**
   * Its place among the properties of its owner: the name, escaped, and an index from 0 among those of one name.
   * Where no Owner counts, an index is given when the path is first asked for.
   */
  get path(): string {
    this.ownPath ??= unattachedPath(this.owner instanceof Owner ? null : this.owner, this.name);
    return this.ownPath;
  }
  /** The owner that is counted; null for a region that nobody keeps alive. */
  get keeper(): Owner | null {
    return this.owner instanceof Owner ? this.owner : null;
  }
  /** Whether its end has come: it is out of every tree, and every further use is an error. */
  get isFinalized(): boolean {
    return this.lifetime.finalized;
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

function deviceFromArgument(where: string, device: DeviceBinding | null): DeviceBinding | null {
  if (device === null || PLACEMENTS.includes(device.placement)) return device;
  throw invalidArgument(
    where,
    'its device must be made by localDevice(), controlDevice() or hostedDevice(), or null',
  );
}

function ramIdFrom(where: string, owner: Owner | string | null, name: string, given: unknown): string | null {
  if (given === null) return null;
  if (given !== undefined) return nameFromArgument(`${where}: ramId`, given);
  if (owner === null) return name;
  return `${owner instanceof Owner ? owner.path : owner}/${name}`;
}
