/**
 * The ioeventfds of one region: writes that signal a notifier instead of calling the device.
 * Guarantee: sorted by offset, size, match (none first), notifier; duplicates are kept. A change of the list
 * is ioeventfd-pending, never topology-pending: it rebuilds no map.
 */

import { describeValue, invalidArgument, optionsFromArgument } from '../base/arguments.ts';
import { MemoryError } from '../base/errors.ts';
import type { EventNotifier } from '../base/event-notifier.ts';
import { insideFromArguments, integerFromArgument, offsetFromArgument } from './arguments.ts';
import type { MemoryRegion } from './memory-region.ts';
import { mutate } from './transaction.ts';

export interface EventfdOptions {
  /** Bytes from the start of the region. */
  readonly offset: bigint | number;
  /** Of the write in bytes: 1, 2, 4 or 8; 0 takes a write of any length at `offset`. */
  readonly size: number;
  /** The value that must be written; without it any value does. Not with size 0. */
  readonly match?: bigint | number | null;
  readonly notifier: EventNotifier;
}

/** An entry of the list. */
export interface RegionEventfd extends EventfdOptions {
  readonly offset: bigint;
  readonly match: bigint | null;
}

const NONE: readonly RegionEventfd[] = Object.freeze([]);
const SIZES = [0, 1, 2, 4, 8];

/** Order of the list. Zero only for entries that are equal in all. */
export function compareEventfds(a: RegionEventfd, b: RegionEventfd): number {
  if (a.offset !== b.offset) return a.offset < b.offset ? -1 : 1;
  if (a.size !== b.size) return a.size - b.size;
  if (a.match !== b.match) return (a.match ?? -1n) < (b.match ?? -1n) ? -1 : 1;
  return a.notifier.id - b.notifier.id;
}

export class EventfdList {
  private readonly region: MemoryRegion;
  private current = NONE;

  constructor(region: MemoryRegion) {
    this.region = region;
  }

  /** Frozen and sorted; another array after each change. */
  get items(): readonly RegionEventfd[] {
    return this.current;
  }

  /**
   * Adds an ioeventfd. An equal one may be there already; each is deleted by itself.
   * @throws MemoryError INVALID_ARGUMENT for what lies outside the region, an illegal size or match, or a
   *   region that has no callbacks: container, alias, RAM
   * @source QEMU memory_region_add_eventfd
   */
  add(options: EventfdOptions): void {
    const added = this.entryFrom(options);
    insideFromArguments(this.where, this.region.size, added.offset, added.size || 1);
    const found = this.current.findIndex((entry) => compareEventfds(entry, added) > 0);
    this.replace(this.current.toSpliced(found < 0 ? this.current.length : found, 0, added));
  }

  /**
   * Deletes one ioeventfd that is equal in all, also where the region has shrunk and it lies outside. QEMU, when
   * asked for size 0, takes any at the offset.
   * @throws MemoryError EVENTFD_UNKNOWN if there is none, INVALID_ARGUMENT for what cannot be one
   * @source QEMU memory_region_del_eventfd
   */
  del(options: EventfdOptions): void {
    const wanted = this.entryFrom(options);
    const found = this.current.findIndex((entry) => compareEventfds(entry, wanted) === 0);
    if (found < 0) {
      throw new MemoryError(
        'EVENTFD_UNKNOWN',
        `region '${this.region.name}' has no ioeventfd at 0x${wanted.offset.toString(16)} of size ${wanted.size} ` +
          `${wanted.match === null ? 'for any value' : `for value ${wanted.match}`} with notifier ${wanted.notifier.id}`,
      );
    }
    this.replace(this.current.toSpliced(found, 1));
  }

  private replace(entries: readonly RegionEventfd[]): void {
    const before = this.current;
    const after = Object.freeze(entries);
    mutate({
      pending: false,
      regions: [],
      eventfds: { region: this.region, before },
      apply: () => (this.current = after),
      undo: () => (this.current = before),
    });
  }

  private get where(): string {
    return `ioeventfd of region '${this.region.name}'`;
  }

  private entryFrom(options: EventfdOptions): RegionEventfd {
    const { where } = this;
    const { offset, size, match, notifier } = optionsFromArgument(where, options);
    const { kind } = this.region;
    if (kind === 'container' || kind === 'alias' || kind === 'iommu' || this.region.isRam)
      throw invalidArgument(
        where,
        `a region of kind '${kind}' has no callbacks; add it to the I/O region that answers`,
      );
    if (!SIZES.includes(size))
      throw invalidArgument(where, `size must be 0, 1, 2, 4 or 8, got ${describeValue(size)}`);
    const id: unknown = notifier?.id;
    if (!Number.isSafeInteger(id) || (id as number) < 0)
      throw invalidArgument(
        where,
        `notifier must have an id that is an integer of at least 0, got ${describeValue(id)}`,
      );
    return Object.freeze({
      offset: offsetFromArgument(where, offset),
      size,
      match: matchFrom(where, size, match ?? null),
      notifier,
    });
  }
}

function matchFrom(where: string, size: number, match: bigint | number | null): bigint | null {
  if (match === null) return null;
  if (size === 0)
    throw invalidArgument(where, 'a write of any length (size 0) cannot be matched with a value');
  const value = integerFromArgument(where, 'match', match);
  if (value < 0n || value >= 1n << BigInt(8 * size))
    throw invalidArgument(
      where,
      `match must be unsigned and fit in ${size} bytes, got ${describeValue(match)}`,
    );
  return value;
}
