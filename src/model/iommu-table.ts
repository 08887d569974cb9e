/**
 * A table-driven IOMMU: what is mapped is data, which every thread reads from shared memory as it reads views.
 * Guarantee: several changes in one transaction are published together; once unmap()'s promise has resolved,
 * no access anywhere uses what was unmapped.
 */
import { SIZE_2_64 } from '../base/addresses.ts';
import { describeValue, invalidArgument, optionsFromArgument } from '../base/arguments.ts';
import { MemoryError } from '../base/errors.ts';
import { IOMMU_NOTIFIER_MAP, permissionBits } from '../base/iommu.ts';
import { type AddressSpace, requireAddressSpace } from './address-space.ts';
import { Iommu, type IommuMapping, type IommuOptions } from './iommu.ts';
import { blockAddress, blocksFromArguments } from './iommu-arguments.ts';
import { type IommuEvent, unmapEvent } from './iommu-notifiers.ts';
import type { Bytes } from './region-options.ts';

export interface IommuMapOptions {
  /** First address within the region; with `size` and `target` a multiple of minPageSize. */
  readonly iova: Bytes;
  readonly size: Bytes;
  /** Where the first byte lies in the address space where it leads. */
  readonly target: Bytes;
  /** The table's target by default. */
  readonly space?: AddressSpace;
  /** `read-write` by default. */
  readonly permission?: 'read' | 'write' | 'read-write';
  /** 0 by default. */
  readonly index?: number;
}

const hex = (value: bigint): string => `0x${value.toString(16)}`;

export class IommuTable extends Iommu {
  /** Where mappings lead that name no other address space. */
  readonly target: AddressSpace;

  /** @throws MemoryError INVALID_ARGUMENT */
  constructor(target: AddressSpace, options: IommuOptions = {}) {
    super(options);
    requireAddressSpace(this.where, target);
    this.target = target;
  }

  /**
   * Lets `size` bytes through. Its address space must belong to each machine that shows the IOMMU.
   * @throws MemoryError IOVA_ALREADY_MAPPED if part of it is; INVALID_ARGUMENT for what is not aligned or passes
   *   the region's end; ADDRESS_SPACE_UNKNOWN, ARENA_FULL, BACK_PRESSURE: the table before stays published
   */
  map(options: IommuMapOptions): void {
    const { where } = this;
    const { space = this.target, permission = 'read-write', index = 0 } = optionsFromArgument(where, options);
    requireAddressSpace(where, space);
    const { iova, size } = blocksFromArguments(where, options, this.minPageSize, this.end);
    const target = blockAddress(where, 'target', options.target, this.minPageSize);
    if (target + size > SIZE_2_64)
      throw invalidArgument(where, `target ${hex(target)} + ${hex(size)} passes 2^64`);
    if (!permissionBits(permission))
      throw invalidArgument(
        where,
        `permission is 'read', 'write' or 'read-write', got ${describeValue(permission)}`,
      );
    const mappings = this.mappingsOf(index);
    const at = firstPast(mappings, iova);
    const next = mappings[at];
    if (next !== undefined && next.iova < iova + size) {
      throw new MemoryError(
        'IOVA_ALREADY_MAPPED',
        `${where}: ${hex(next.size)} bytes at iova ${hex(next.iova)} are mapped; unmap them before mapping ${hex(size)} bytes at ${hex(iova)}`,
      );
    }
    const mapping = Object.freeze({ iova, size, target, space, permission });
    this.change(index, { at, count: 0, added: [mapping] }, mapEvent(index, mapping));
  }

  /**
   * Takes `size` bytes from `iova` on away, also from the midst of what was mapped in one piece. From the end
   * of the transaction on no checkpoint brings the old translation back.
   * @returns resolves when every thread has let go of it: no access uses it any more
   * @throws MemoryError IOVA_NOT_MAPPED if a byte of it is not; INVALID_ARGUMENT, ARENA_FULL, BACK_PRESSURE
   */
  unmap(iova: Bytes, size: Bytes, index = 0): Promise<void> {
    const range = blocksFromArguments(this.where, { iova, size }, this.minPageSize, this.end);
    const start = range.iova;
    const end = start + range.size;
    const mappings = this.mappingsOf(index);
    const first = firstPast(mappings, start);
    const rest: IommuMapping[] = [];
    let at = first;
    for (let cursor = start; cursor < end; at += 1) {
      const mapping = mappings[at];
      if (mapping === undefined || mapping.iova > cursor) throw this.notMapped(cursor, start, end);
      const mappingEnd = mapping.iova + mapping.size;
      if (mapping.iova < start) rest.push(piece(mapping, mapping.iova, start));
      if (mappingEnd > end) rest.push(piece(mapping, end, mappingEnd));
      cursor = mappingEnd;
    }
    const event = unmapEvent(index, start, range.size);
    this.change(index, { at: first, count: at - first, added: rest }, event);
    return this.readersMovedOn();
  }

  override *mapped(index: number, start: bigint, last: bigint): Iterable<IommuEvent> {
    for (const mapping of this.mappingsOf(index)) {
      if (mapping.iova <= last && mapping.iova + mapping.size > start) yield mapEvent(index, mapping);
    }
  }

  private get end(): bigint {
    return this.region?.size ?? SIZE_2_64;
  }

  private notMapped(at: bigint, start: bigint, end: bigint): MemoryError {
    return new MemoryError(
      'IOVA_NOT_MAPPED',
      `${this.where}: nothing is mapped at iova ${hex(at)}; unmap only what is, not all of ${hex(start)} to ${hex(end - 1n)}`,
    );
  }
}

const mapEvent = (index: number, { iova, size, target, space, permission }: IommuMapping): IommuEvent => ({
  ...{ type: IOMMU_NOTIFIER_MAP, index, iova, size, translated: target, space, permission },
});

/** The part `[start, end)` of a mapping. */
const piece = (mapping: IommuMapping, start: bigint, end: bigint): IommuMapping =>
  Object.freeze({
    ...mapping,
    iova: start,
    size: end - start,
    target: mapping.target + (start - mapping.iova),
  });

/** Index of the first mapping that reaches past `iova`. */
function firstPast(mappings: readonly IommuMapping[], iova: bigint): number {
  let low = 0;
  let high = mappings.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const mapping = mappings[middle]!;
    if (mapping.iova + mapping.size <= iova) low = middle + 1;
    else high = middle;
  }
  return low;
}
