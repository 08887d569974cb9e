/**
 * MemoryRegion: a node of the tree that describes a machine's memory. What vCPUs see of it is decided when a
 * transaction ends. Guarantee: a region has one container at most, none contains or endlessly shows itself,
 * and a mutator that throws has changed nothing.
 */

import type { DeviceBinding } from '../base/device-binding.ts';
import { MemoryError } from '../base/errors.ts';
import type { AddressSpace } from './address-space.ts';
import {
  booleanFromArgument,
  describeValue,
  nameFromArgument,
  offsetFromArgument,
  ownerFromArgument,
  priorityFromArgument,
  sizeFromArgument,
} from './arguments.ts';
import { CoalescedRanges } from './coalesced-ranges.ts';
import { DirtyLog } from './dirty-log.ts';
import { EventfdList } from './eventfd-list.ts';
import { mapChild, moveRegion, unmapChild } from './mapping.ts';
import { isMapped } from './reachability.ts';
import { RegionLinks } from './region-links.ts';
import { mutate } from './transaction.ts';

/** A size or an offset: exact as bigint, or a number up to 2^53 - 1. */
export type Bytes = bigint | number;

/** A ROM is `ram` that is readonly, as in QEMU. */
export type MemoryRegionKind = 'container' | 'ram' | 'rom-device' | 'io' | 'alias';

export interface MemoryRegionOptions {
  readonly owner?: string | null;
  readonly enabled?: boolean;
  readonly readonly?: boolean;
  readonly nonvolatile?: boolean;
  /** ROM device: whether reads go straight to its bytes. */
  readonly romd?: boolean;
  /** What a region keeps while it has no container. A root is rendered at its own address. */
  readonly address?: Bytes;
  readonly priority?: number;
}

interface MemoryRegionParts {
  readonly kind: MemoryRegionKind;
  readonly name: string;
  readonly size: Bytes;
  readonly options: MemoryRegionOptions | undefined;
  readonly device?: DeviceBinding | null;
  readonly alias?: { readonly target: MemoryRegion; readonly offset: Bytes };
}

type Options = MemoryRegionOptions;
type Flag = 'enabled' | 'readonly' | 'nonvolatile' | 'romd';

let regionCount = 0;

export class MemoryRegion {
  /** Unique in this process, from 1, never used again. */
  readonly id: number;
  readonly kind: MemoryRegionKind;
  readonly name: string;
  readonly owner: string | null;
  /** Who answers for an I/O region or a ROM device; null rejects every access. */
  readonly device: DeviceBinding | null;
  /** What an alias shows; null for every other kind. */
  readonly aliasTarget: MemoryRegion | null;
  /** Whether it answers for addresses that its children leave open. */
  readonly terminates: boolean;
  /** How it hangs in the tree. Written by model/ only. */
  readonly links: RegionLinks;
  /** Writes that signal a notifier instead of calling the device. */
  readonly eventfds = new EventfdList(this);
  /** Where writes may be queued. */
  readonly coalescing = new CoalescedRanges(this);
  /** Who wants to know of writes to its bytes. */
  readonly dirtyLog = new DirtyLog(this);
  private readonly flags: Record<Flag, boolean>;
  private currentSize: bigint;
  private currentAliasOffset: bigint;

  private constructor(parts: MemoryRegionParts) {
    const { kind, options = {} } = parts;
    const name = nameFromArgument(`a region of kind '${kind}'`, parts.name);
    const where = `region '${name}'`;
    this.kind = kind;
    this.name = name;
    this.owner = ownerFromArgument(where, options.owner);
    this.device = parts.device ?? null;
    this.aliasTarget = parts.alias?.target ?? null;
    this.terminates = kind !== 'container' && kind !== 'alias';
    this.flags = {
      enabled: booleanFromArgument(where, 'enabled', options.enabled ?? true),
      readonly: booleanFromArgument(where, 'readonly', options.readonly ?? false),
      nonvolatile: booleanFromArgument(where, 'nonvolatile', options.nonvolatile ?? false),
      romd: booleanFromArgument(where, 'romd', options.romd ?? true),
    };
    this.currentSize = sizeFromArgument(where, parts.size);
    this.links = new RegionLinks(
      offsetFromArgument(where, options.address ?? 0n),
      priorityFromArgument(where, options.priority ?? 0),
    );
    this.currentAliasOffset = offsetFromArgument(where, parts.alias?.offset ?? 0n);
    this.id = ++regionCount;
  }

  /** Groups children and answers for nothing itself. */
  static container(name: string, size: Bytes, options?: Options): MemoryRegion {
    return new MemoryRegion({ kind: 'container', name, size, options });
  }

  /** Bytes that vCPUs read and write directly. */
  static ram(name: string, size: Bytes, options?: Options): MemoryRegion {
    return new MemoryRegion({ kind: 'ram', name, size, options });
  }

  /** RAM whose writes are refused. */
  static rom(name: string, size: Bytes, options?: Options): MemoryRegion {
    return new MemoryRegion({ kind: 'ram', name, size, options: { ...options, readonly: true } });
  }

  /** Accesses call `device`; with null every access is rejected (a reservation). */
  static io(name: string, size: Bytes, device: DeviceBinding | null, options?: Options): MemoryRegion {
    return new MemoryRegion({ kind: 'io', name, size, device, options });
  }

  /** Reads go to its bytes while romd is on, else to `device`; writes always call `device`. */
  static romDevice(name: string, size: Bytes, device: DeviceBinding | null, options?: Options): MemoryRegion {
    return new MemoryRegion({ kind: 'rom-device', name, size, device, options });
  }

  /**
   * A window that shows bytes `[offset, offset + size)` of `target`, wherever `target` itself may be mapped.
   * @param offset 64-bit; a negative one is taken modulo 2^64
   */
  static alias(
    name: string,
    target: MemoryRegion,
    offset: Bytes,
    size: Bytes,
    options?: Options,
  ): MemoryRegion {
    requireRegion(`alias '${name}'`, 'target', target);
    return new MemoryRegion({ kind: 'alias', name, size, alias: { target, offset }, options });
  }

  /** In bytes, 0 to 2^64. */
  get size(): bigint {
    return this.currentSize;
  }
  get enabled(): boolean {
    return this.flags.enabled;
  }
  get readonly(): boolean {
    return this.flags.readonly;
  }
  get nonvolatile(): boolean {
    return this.flags.nonvolatile;
  }
  /** ROM device: whether reads go straight to its bytes. Meaningless for other kinds. */
  get romd(): boolean {
    return this.flags.romd;
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
    return this.currentAliasOffset;
  }
  /** Whether it has a container, or an alias that shows it has. It may still be invisible. */
  get isMapped(): boolean {
    return isMapped(this);
  }
  /** The address spaces whose root it is. */
  get addressSpaces(): ReadonlySet<AddressSpace> {
    return this.links.rootOf;
  }

  /** addSubregionOverlap at priority 0. */
  addSubregion(offset: Bytes, child: MemoryRegion): void {
    this.addSubregionOverlap(offset, child, 0);
  }

  /**
   * Maps `child` into this region, above siblings of lower priority and in front of its equals.
   * @param offset bytes from the start of this region; need not be page-aligned, and the child may stick out
   * @param priority signed 32 bit; compared only among siblings
   * @throws MemoryError REGION_ALREADY_MAPPED if `child` has a container (map an alias of it instead),
   *   ALIAS_HAS_NO_CHILDREN if this is an alias, ALIAS_CYCLE if `child` would contain itself, or (at the
   *   end of the transaction) show itself at its own place
   * @source QEMU docs/devel/memory.rst, "Overlapping regions and priority"
   */
  addSubregionOverlap(offset: Bytes, child: MemoryRegion, priority: number): void {
    requireRegion(this.where, 'child', child);
    mapChild(this, child, offsetFromArgument(this.where, offset), priorityFromArgument(this.where, priority));
  }

  /**
   * Unmaps `child`, which keeps its address and priority.
   * @throws MemoryError NOT_A_SUBREGION if its container is not this region
   */
  delSubregion(child: MemoryRegion): void {
    requireRegion(this.where, 'child', child);
    unmapChild(this, child);
  }

  /** A disabled region hides itself and its children, and what lies beneath shows. */
  setEnabled(enabled: boolean): void {
    this.setFlag('enabled', enabled, true);
  }

  /** What is seen through a readonly region or alias cannot be written. */
  setReadonly(readonly: boolean): void {
    this.setFlag('readonly', readonly, this.enabled);
  }

  setNonvolatile(nonvolatile: boolean): void {
    this.setFlag('nonvolatile', nonvolatile, this.enabled);
  }

  /** @throws MemoryError NOT_A_ROM_DEVICE for every other kind */
  setRomd(romd: boolean): void {
    if (this.kind !== 'rom-device') {
      throw new MemoryError(
        'NOT_A_ROM_DEVICE',
        `${this.where} is of kind '${this.kind}'; only a ROM device has a romd mode`,
      );
    }
    this.setFlag('romd', romd, this.enabled);
  }

  /**
   * Moves this region inside its container, in front of its equals there, as QEMU does.
   * Without a container only its own address changes.
   */
  setAddress(offset: Bytes): void {
    moveRegion(this, offsetFromArgument(this.where, offset));
  }

  setSize(size: Bytes): void {
    const before = this.currentSize;
    const after = sizeFromArgument(this.where, size);
    if (after === before) return;
    mutate({
      pending: true,
      regions: [this],
      reshaped: this,
      apply: () => (this.currentSize = after),
      undo: () => (this.currentSize = before),
    });
  }

  /** @throws MemoryError NOT_AN_ALIAS for every other kind */
  setAliasOffset(offset: Bytes): void {
    if (this.kind !== 'alias') {
      throw new MemoryError(
        'NOT_AN_ALIAS',
        `${this.where} is of kind '${this.kind}'; only an alias has an alias offset`,
      );
    }
    const before = this.currentAliasOffset;
    const after = offsetFromArgument(this.where, offset);
    if (after === before) return;
    mutate({
      pending: this.enabled,
      regions: [this],
      reshaped: this,
      apply: () => (this.currentAliasOffset = after),
      undo: () => (this.currentAliasOffset = before),
    });
  }

  private get where(): string {
    return `region '${this.name}'`;
  }

  private setFlag(flag: Flag, value: boolean, pending: boolean): void {
    const before = this.flags[flag];
    if (booleanFromArgument(this.where, flag, value) === before) return;
    mutate({
      pending,
      regions: [this],
      ...(flag === 'enabled' && { reshaped: this }),
      apply: () => (this.flags[flag] = value),
      undo: () => (this.flags[flag] = before),
    });
  }
}

function requireRegion(where: string, what: string, value: unknown): void {
  if (value instanceof MemoryRegion) return;
  const got = describeValue(value);
  throw new MemoryError('INVALID_ARGUMENT', `${where}: ${what} must be a MemoryRegion, got ${got}`);
}
