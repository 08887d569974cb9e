/**
 * What answers for an IOMMU region: translates addresses within the region to addresses in another address
 * space. This part is common to both kinds: indexes, notifiers, and when the readers have let go of what was.
 * Guarantee: a change is published with its transaction; a change that is refused has changed nothing.
 */
import {
  describeValue,
  functionFromArgument,
  invalidArgument,
  optionsFromArgument,
} from '../base/arguments.ts';
import { MEMTXATTRS_FIELDS } from '../base/mem-tx-attrs.ts';
import type { AddressSpace } from './address-space.ts';
import { integerFromArgument } from './arguments.ts';
import { type IommuEvent, IommuNotifiers } from './iommu-notifiers.ts';
import type { MemoryRegion } from './memory-region.ts';
import type { Bytes } from './region-options.ts';
import { mutate } from './transaction.ts';

export interface IommuOptions {
  /** Smallest block that is mapped, a power of two; 4096 by default. @source QEMU get_min_page_size */
  readonly minPageSize?: Bytes;
  /** How many translations there are side by side; 1 by default. @source QEMU num_indexes */
  readonly indexes?: number;
  /** The attribute that is the index; without it, index 0. @source QEMU attrs_to_index */
  readonly indexFrom?: keyof typeof MEMTXATTRS_FIELDS;
  /** What getAttribute() answers. @source QEMU get_attr */
  readonly attributes?: Readonly<Record<string, unknown>>;
  /** Told when the union of the notifiers' flags changes; what it throws refuses the registration. */
  readonly onNotifierFlags?: (before: number, after: number) => void;
}

/** Addresses that pass in one piece. Immutable. */
export interface IommuMapping {
  /** First address within the region. */
  readonly iova: bigint;
  readonly size: bigint;
  /** Where the first byte lies in `space`. */
  readonly target: bigint;
  readonly space: AddressSpace;
  readonly permission: 'read' | 'write' | 'read-write';
}

/** What one index translates. */
interface Table {
  readonly mappings: IommuMapping[];
  edition: number;
}

/** Of a table that nothing was ever mapped in. */
export const EDITION_EMPTY = 0;

/** No two changes of any table lead to the same edition. */
let editionCount = EDITION_EMPTY;

/** Each takes a root word for good, as an address space does. */
const INDEXES_MAX = 512;

export abstract class Iommu {
  readonly minPageSize: bigint;
  readonly indexCount: number;
  /** Which of an access's attributes are its index. */
  readonly indexBits: { readonly shift: number; readonly bits: number };
  readonly notifiers: IommuNotifiers;
  /** Of each machine that shows it, how to await that its readers have passed a checkpoint. */
  readonly gracePeriods = new Set<() => Promise<void>>();
  private readonly attributes: Readonly<Record<string, unknown>>;
  private readonly tables: readonly Table[];
  private bound: MemoryRegion | null = null;

  protected constructor(options: IommuOptions) {
    const where = 'an IOMMU';
    optionsFromArgument(where, options);
    this.minPageSize = integerFromArgument(where, 'minPageSize', options.minPageSize ?? 4096);
    if (
      this.minPageSize < 1n ||
      (this.minPageSize & (this.minPageSize - 1n)) !== 0n ||
      this.minPageSize >> 63n
    )
      throw invalidArgument(where, `minPageSize must be a power of two below 2^63, got ${this.minPageSize}`);
    const indexes = options.indexes ?? 1;
    if (!Number.isInteger(indexes) || indexes < 1 || indexes > INDEXES_MAX)
      throw invalidArgument(
        where,
        `indexes must be a whole number from 1 to ${INDEXES_MAX}, got ${describeValue(indexes)}`,
      );
    this.indexCount = indexes;
    const bits =
      options.indexFrom === undefined ? { shift: 0, bits: 0 } : MEMTXATTRS_FIELDS[options.indexFrom];
    if (bits === undefined)
      throw invalidArgument(
        where,
        `indexFrom must be one of ${Object.keys(MEMTXATTRS_FIELDS).join(', ')}, got ${describeValue(options.indexFrom)}`,
      );
    this.indexBits = bits;
    this.attributes = options.attributes ?? {};
    this.tables = Array.from({ length: indexes }, () => ({ mappings: [], edition: EDITION_EMPTY }));
    this.notifiers = new IommuNotifiers(
      this,
      functionFromArgument(where, 'onNotifierFlags', options.onNotifierFlags ?? (() => {})),
    );
  }

  /** The region that it answers for; null before MemoryRegion.iommu() was given it. */
  get region(): MemoryRegion | null {
    return this.bound;
  }

  get where(): string {
    return this.bound === null ? 'an IOMMU' : `IOMMU of region '${this.bound.name}'`;
  }

  /** For MemoryRegion.iommu(). @throws MemoryError INVALID_ARGUMENT if it answers for another region */
  bind(region: MemoryRegion): void {
    if (this.bound !== null)
      throw invalidArgument(this.where, `region '${region.name}' needs an IOMMU of its own`);
    this.bound = region;
  }

  /** Ascending by address, disjoint; those of this moment. A callback IOMMU has none. */
  mappingsOf(index = 0): readonly IommuMapping[] {
    return this.tables[this.requireIndex(index)]!.mappings;
  }

  /** Another number after each change of the index's mappings, and the one before if it is undone. */
  editionOf(index: number): number {
    return this.tables[index]!.edition;
  }

  /** What the options' `attributes` say. @throws MemoryError INVALID_ARGUMENT for one that it does not have */
  getAttribute(name: string): unknown {
    if (typeof name === 'string' && Object.hasOwn(this.attributes, name)) return this.attributes[name];
    throw invalidArgument(this.where, `it has no attribute ${describeValue(name)}`);
  }

  /** Every stretch of [start, last] that lets something through, ascending, as `map` events. */
  abstract mapped(index: number, start: bigint, last: bigint): Iterable<IommuEvent>;

  /** @throws MemoryError INVALID_ARGUMENT */
  requireIndex(index: number): number {
    if (Number.isInteger(index) && index >= 0 && index < this.indexCount) return index;
    throw invalidArgument(
      this.where,
      `index must be 0 to ${this.indexCount - 1}, got ${describeValue(index)}`,
    );
  }

  /** Puts `added` in place of `count` mappings from `at` on, in the transaction that is open or one of its own. */
  protected change(
    index: number,
    { at, count, added }: { at: number; count: number; added: readonly IommuMapping[] },
    event: IommuEvent,
  ): void {
    const table = this.tables[index]!;
    const { edition } = table;
    let removed: readonly IommuMapping[] = [];
    mutate({
      pending: false,
      regions: [],
      iommu: this,
      apply: () => {
        removed = table.mappings.splice(at, count, ...added);
        table.edition = ++editionCount;
      },
      undo: () => {
        table.mappings.splice(at, added.length, ...removed);
        table.edition = edition;
      },
      committed: () => this.notifiers.deliver(event),
    });
  }

  /** Resolves when no reader of any machine uses what was published before the open transaction's end. */
  protected async readersMovedOn(): Promise<void> {
    await null; // after the transaction that may be open: the grace period begins with its publication
    await Promise.all([...this.gracePeriods].map((gracePeriod) => gracePeriod()));
  }
}
