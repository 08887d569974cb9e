/**
 * MemoryRegion: a node of the tree that describes a machine's memory. What vCPUs see of it is decided when a
 * transaction ends. Guarantee: a region has one container at most, none contains or endlessly shows itself,
 * and a mutator that throws has changed nothing.
 */

import { describeValue, invalidArgument, optionsFromArgument } from '../base/arguments.ts';
import type { DeviceBinding } from '../base/device-binding.ts';
import { MemoryError } from '../base/errors.ts';
import {
  booleanFromArgument,
  nameFromArgument,
  offsetFromArgument,
  priorityFromArgument,
  sizeFromArgument,
} from './arguments.ts';
import { CoalescedRanges } from './coalesced-ranges.ts';
import { DirtyLog } from './dirty-log.ts';
import { EventfdList } from './eventfd-list.ts';
import { Iommu } from './iommu.ts';
import { mapChild, moveRegion, unmapChild } from './mapping.ts';
import {
  type BufferWindow,
  backingFromFile,
  backingOver,
  RESERVED_DEVICE_RAM,
  type ResizableOptions,
  resizableBacking,
} from './ram-backing.ts';
import type { RamFileOptions } from './ram-file.ts';
import { isMapped } from './reachability.ts';
import { refuseFinalized } from './region-lifetime.ts';
import type { Bytes, MemoryRegionOptions, RegionFlag } from './region-options.ts';
import { type RegionParts, RegionProperties } from './region-properties.ts';

type Options = MemoryRegionOptions;

export class MemoryRegion extends RegionProperties {
  /** Writes that signal a notifier instead of calling the device. */
  readonly eventfds = new EventfdList(this);
  /** Where writes may be queued. */
  readonly coalescing = new CoalescedRanges(this);
  /** Who wants to know of writes to its bytes. */
  readonly dirtyLog = new DirtyLog(this);

  private constructor(parts: RegionParts) {
    super(parts);
  }

  /** Groups children and answers for nothing itself. */
  static container(name: string, size: Bytes, options?: Options): MemoryRegion {
    return new MemoryRegion({ kind: 'container', name, size, options });
  }

  /** Bytes that vCPUs read and write directly. */
  static ram(name: string, size: Bytes, options?: Options): MemoryRegion {
    return new MemoryRegion({ kind: 'ram', name, size, options });
  }

  /**
   * RAM over the caller's bytes: vCPUs and the caller see the same ones. The caller keeps the buffer.
   * @throws MemoryError INVALID_ARGUMENT for a buffer that is not shared, or is growable, or has no multiple of 8
   *   bytes; for a byteOffset that is no multiple of 8, or a window that passes the buffer's end
   * @source QEMU memory_region_init_ram_ptr
   */
  static ramOver(
    name: string,
    buffer: SharedArrayBuffer,
    options: Options & BufferWindow = {},
  ): MemoryRegion {
    const backing = backingOver(whereOf(name), buffer, options);
    return new MemoryRegion({ kind: 'ram', name, size: backing.capacityBytes!, backing, options });
  }

  /**
   * RAM that is another device's memory: read and written directly, but only in the width of each access,
   * never as a copy of many bytes.
   * @param bytes a size, or a buffer of the caller's, as ramOver takes it
   * @source QEMU memory_region_init_ram_device_ptr
   */
  static ramDevice(
    name: string,
    bytes: Bytes | SharedArrayBuffer,
    options: Options & BufferWindow = {},
  ): MemoryRegion {
    const isSize = typeof bytes === 'bigint' || typeof bytes === 'number';
    const backing = isSize ? RESERVED_DEVICE_RAM : backingOver(whereOf(name), bytes, options);
    const size = isSize ? bytes : backing.capacityBytes!;
    return new MemoryRegion({ kind: 'ram-device', name, size, backing, options });
  }

  /**
   * RAM with the bytes of a file, from `offset` in it on. They are read now, whole. Unlike a mapping made by mmap it
   * takes that memory at once, does not see what others write to the file later, and they see what guests
   * write only when Machine.syncRam() is called, or, with `writeBack`, when the region or the machine ends.
   * @throws MemoryError RAM_FILE_UNUSABLE if the file is missing, no file, or may not be read (or written, unless
   *   `readonly`); RAM_FILE_TOO_SHORT; RAM_EXHAUSTED past 4 GiB
   * @source QEMU memory_region_init_ram_from_file
   */
  static ramFromFile(name: string, options: Options & RamFileOptions): MemoryRegion {
    const backing = backingFromFile(whereOf(name), options);
    return new MemoryRegion({ kind: 'ram', name, size: backing.capacityBytes!, backing, options });
  }

  /**
   * RAM that may become larger, up to `sizeMax`, or smaller, by Machine.resizeRam(). All of `sizeMax` is reserved at
   * once, so nothing moves; bytes beyond the size are kept.
   * @throws MemoryError INVALID_ARGUMENT if `size` is past `sizeMax`
   * @source QEMU memory_region_init_resizeable_ram
   */
  static resizableRam(
    name: string,
    size: Bytes,
    sizeMax: Bytes,
    options: Options & ResizableOptions = {},
  ): MemoryRegion {
    const where = whereOf(name);
    const most = sizeFromArgument(where, sizeMax);
    const backing = resizableBacking(where, sizeFromArgument(where, size), most, options);
    return new MemoryRegion({ kind: 'ram', name, size, backing, options });
  }

  /** RAM whose writes are refused. */
  static rom(name: string, size: Bytes, options?: Options): MemoryRegion {
    return new MemoryRegion({
      kind: 'ram',
      name,
      size,
      options: { ...(options && optionsFromArgument(whereOf(name), options)), readonly: true },
    });
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
   * Accesses go on in another address space, at the addresses to which `iommu` translates.
   * @throws MemoryError INVALID_ARGUMENT for what is no IommuTable or CallbackIommu, or is another region's
   * @source QEMU memory_region_init_iommu
   */
  static iommu(name: string, size: Bytes, iommu: Iommu, options?: Options): MemoryRegion {
    if (!(iommu instanceof Iommu)) {
      const got = describeValue(iommu);
      throw invalidArgument(whereOf(name), `give an IommuTable or a CallbackIommu, got ${got}`);
    }
    const region = new MemoryRegion({ kind: 'iommu', name, size, iommu, options });
    iommu.bind(region);
    return region;
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
    requireRegion(whereOf(name), 'target', target);
    refuseFinalized(target);
    return new MemoryRegion({ kind: 'alias', name, size, alias: { target, offset }, options });
  }

  /** Whether it has a container, or an alias that shows it has. It may still be invisible. */
  get isMapped(): boolean {
    return isMapped(this);
  }
  /**
   * Keeps its owner, and so this region, alive until unref(); a region without an Owner lives anyway.
   * @throws MemoryError OWNER_FINALIZED
   * @source QEMU memory_region_ref
   */
  ref(): void {
    this.keeper?.ref();
  }

  /** @throws MemoryError OWNER_NOT_REFERENCED if every ref() was taken back */
  unref(): void {
    this.keeper?.unref();
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
    this.state.setEnabled(this, booleanFromArgument(this.where, 'enabled', enabled));
  }

  /** What is seen through a readonly region or alias cannot be written. */
  setReadonly(readonly: boolean): void {
    this.setFlag('readonly', readonly);
  }

  setNonvolatile(nonvolatile: boolean): void {
    this.setFlag('nonvolatile', nonvolatile);
  }

  /** What is seen of an unmergeable region, or through one, stays in ranges of its own. */
  setUnmergeable(unmergeable: boolean): void {
    this.setFlag('unmergeable', unmergeable);
  }

  /** @throws MemoryError NOT_A_ROM_DEVICE for every other kind */
  setRomd(romd: boolean): void {
    if (this.kind !== 'rom-device') {
      throw new MemoryError(
        'NOT_A_ROM_DEVICE',
        `${this.where} is of kind '${this.kind}'; only a ROM device has a romd mode`,
      );
    }
    this.setFlag('romd', romd);
  }

  /**
   * Moves this region inside its container, in front of its equals there, as QEMU does.
   * Without a container only its own address changes.
   */
  setAddress(offset: Bytes): void {
    moveRegion(this, offsetFromArgument(this.where, offset));
  }

  setSize(size: Bytes): void {
    this.state.setSize(this, sizeFromArgument(this.where, size));
  }

  /**
   * setSize() of RAM that is resizable, with its onResized() after the transaction.
   * @throws MemoryError RAM_NOT_RESIZABLE for every other region; RAM_EXHAUSTED past its largest size
   */
  resize(size: Bytes): void {
    const { capacityBytes, onResized } = this.backing;
    if (onResized === null || capacityBytes === null) {
      throw new MemoryError('RAM_NOT_RESIZABLE', `${this.where} was not made by MemoryRegion.resizableRam()`);
    }
    const after = sizeFromArgument(this.where, size);
    if (after > capacityBytes) {
      throw new MemoryError(
        'RAM_EXHAUSTED',
        `${this.where} can have 0x${capacityBytes.toString(16)} bytes at most, not 0x${after.toString(16)}`,
      );
    }
    this.state.setSize(this, after, () => onResized(after));
  }

  /** @throws MemoryError NOT_AN_ALIAS for every other kind */
  setAliasOffset(offset: Bytes): void {
    if (this.kind !== 'alias') {
      throw new MemoryError(
        'NOT_AN_ALIAS',
        `${this.where} is of kind '${this.kind}'; only an alias has an alias offset`,
      );
    }
    this.state.setAliasOffset(this, offsetFromArgument(this.where, offset));
  }

  private setFlag(flag: Exclude<RegionFlag, 'enabled'>, value: boolean): void {
    this.state.setFlag(this, flag, booleanFromArgument(this.where, flag, value));
  }
}

const whereOf = (name: unknown): string => `region '${nameFromArgument('a region', name)}'`;

/** @throws MemoryError INVALID_ARGUMENT for what is no MemoryRegion */
export function requireRegion(where: string, what: string, value: unknown): void {
  if (value instanceof MemoryRegion) return;
  throw invalidArgument(where, `${what} must be a MemoryRegion, got ${describeValue(value)}`);
}
