/**
 * Who on the control side must hear of an IOMMU's changes: whatever mirrors its translations elsewhere.
 * Guarantee: a notifier is called after the change was published, with the part of the event that lies in its
 * range, newest notifier first; one that throws does not keep the others from being called.
 * @source QEMU memory_region_register_iommu_notifier, memory_region_notify_iommu, memory_region_iommu_replay
 */
import { ADDRESS_LAST } from '../base/addresses.ts';
import {
  describeValue,
  functionFromArgument,
  invalidArgument,
  optionsFromArgument,
} from '../base/arguments.ts';
import { callOut } from '../base/call-out.ts';
import {
  IOMMU_NOTIFIER_DEVIOTLB_UNMAP,
  IOMMU_NOTIFIER_MAP,
  IOMMU_NOTIFIER_UNMAP,
  type IommuPermission,
} from '../base/iommu.ts';
import type { AddressSpace } from './address-space.ts';
import { integerFromArgument } from './arguments.ts';
import type { Iommu } from './iommu.ts';
import type { Bytes } from './region-options.ts';

/** A change of what lies in `[iova, iova + size)`. One in place is an unmap, then a map. */
export interface IommuEvent {
  /** One IOMMU_NOTIFIER_* flag. */
  readonly type: number;
  readonly index: number;
  readonly iova: bigint;
  readonly size: bigint;
  /** Of a map: where the first byte now leads. */
  readonly translated: bigint;
  readonly space: AddressSpace | null;
  /** `none` in every event but a map. */
  readonly permission: IommuPermission;
}

export interface IommuNotifier {
  /** An OR of IOMMU_NOTIFIER_* flags: which events it is told of. */
  readonly flags: number;
  /** First address within the region; 0 by default. */
  readonly start?: Bytes;
  /** Last address, included; 2^64 - 1 by default. */
  readonly last?: Bytes;
  /** 0 by default. */
  readonly index?: number;
  /** Called once the change is published; it may begin transactions. */
  notify(event: IommuEvent): void;
}

interface Registered {
  readonly notifier: IommuNotifier;
  readonly start: bigint;
  readonly last: bigint;
  readonly index: number;
}

const ALL_FLAGS = IOMMU_NOTIFIER_UNMAP | IOMMU_NOTIFIER_MAP | IOMMU_NOTIFIER_DEVIOTLB_UNMAP;

export class IommuNotifiers {
  private readonly iommu: Iommu;
  private readonly onFlags: (before: number, after: number) => void;
  /** The newest first. */
  private registered: readonly Registered[] = [];

  constructor(iommu: Iommu, onFlags: (before: number, after: number) => void) {
    this.iommu = iommu;
    this.onFlags = onFlags;
  }

  /** The union of what the notifiers ask for. */
  get flags(): number {
    return flagsOf(this.registered);
  }

  /**
   * Calls `notifier` from now on. Through an alias it is the target's IOMMU that is registered with.
   * @returns how to stop that
   * @throws MemoryError INVALID_ARGUMENT for no flag, a range that is none, an index past the last, one that is
   *   registered already; or what the IOMMU's onNotifierFlags throws: then it is not registered
   */
  register(notifier: IommuNotifier): () => void {
    const { where } = this.iommu;
    functionFromArgument(where, 'notify', optionsFromArgument(where, notifier).notify);
    const { flags, index = 0 } = notifier;
    if (!Number.isInteger(flags) || flags === 0 || (flags & ~ALL_FLAGS) !== 0)
      throw invalidArgument(
        where,
        `a notifier's flags are an OR of IOMMU_NOTIFIER_* flags, got ${describeValue(flags)}`,
      );
    const start = integerFromArgument(where, 'start', notifier.start ?? 0n);
    const last = integerFromArgument(where, 'last', notifier.last ?? ADDRESS_LAST);
    if (start < 0n || last < start || last > ADDRESS_LAST)
      throw invalidArgument(
        where,
        `a notifier's range must be 0 <= start <= last < 2^64, got ${start} to ${last}`,
      );
    if (this.find(notifier) !== undefined)
      throw invalidArgument(where, 'this notifier is registered already; unregister it first');
    this.replace([{ notifier, start, last, index: this.iommu.requireIndex(index) }, ...this.registered]);
    return () => this.unregister(notifier);
  }

  /** One that is not registered is left alone. @throws what onNotifierFlags throws; it stays registered then */
  unregister(notifier: IommuNotifier): void {
    if (this.find(notifier) === undefined) return;
    this.replace(this.registered.filter((known) => known.notifier !== notifier));
  }

  /** Tells each notifier of the event's index that asked for such. */
  deliver(event: IommuEvent): void {
    for (const known of this.registered) if (known.index === event.index) tell(known, event);
  }

  /**
   * Tells one notifier of everything that is mapped in its range.
   * @throws MemoryError INVALID_ARGUMENT if it is not registered
   */
  replay(notifier: IommuNotifier): void {
    const known = this.require(notifier);
    for (const event of this.iommu.mapped(known.index, known.start, known.last)) tell(known, event);
  }

  /** Tells one notifier that its whole range is unmapped, whatever was. Throws as replay() does. */
  unmapRange(notifier: IommuNotifier): void {
    const known = this.require(notifier);
    tell(known, unmapEvent(known.index, known.start, known.last - known.start + 1n));
  }

  private replace(after: readonly Registered[]): void {
    const before = flagsOf(this.registered);
    if (flagsOf(after) !== before) this.onFlags(before, flagsOf(after));
    this.registered = after;
  }

  private find(notifier: IommuNotifier): Registered | undefined {
    return this.registered.find((known) => known.notifier === notifier);
  }

  private require(notifier: IommuNotifier): Registered {
    const found = this.find(notifier);
    if (found !== undefined) return found;
    throw invalidArgument(this.iommu.where, 'this notifier is not registered');
  }
}

export const unmapEvent = (
  index: number,
  iova: bigint,
  size: bigint,
  type = IOMMU_NOTIFIER_UNMAP,
): IommuEvent => ({ type, index, iova, size, translated: 0n, space: null, permission: 'none' });

const flagsOf = (registered: readonly Registered[]): number =>
  registered.reduce((union, { notifier }) => union | notifier.flags, 0);

/** Calls one notifier with the part of the event in its range, if it asked for such and there is a part. */
function tell({ notifier, start, last }: Registered, event: IommuEvent): void {
  const from = event.iova > start ? event.iova : start;
  const eventLast = event.iova + event.size - 1n;
  const to = eventLast < last ? eventLast : last;
  if ((notifier.flags & event.type) === 0 || from > to) return;
  const translated = event.type === IOMMU_NOTIFIER_MAP ? event.translated + (from - event.iova) : 0n;
  callOut(() => notifier.notify({ ...event, iova: from, size: to - from + 1n, translated }));
}
