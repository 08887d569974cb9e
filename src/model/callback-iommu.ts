/**
 * An IOMMU whose translations are computed: by a module that every thread loads for itself, from state that is
 * shared, such as page tables in guest RAM.
 * Guarantee: once notifyUnmap()'s promise has resolved, no access anywhere uses an answer that a translator gave
 * before the call.
 */
import { SIZE_2_64 } from '../base/addresses.ts';
import { describeValue, invalidArgument } from '../base/arguments.ts';
import { exportFromArgument, moduleFromArgument } from '../base/device-binding.ts';
import {
  IOMMU_NOTIFIER_DEVIOTLB_UNMAP,
  IOMMU_NOTIFIER_MAP,
  type IommuTranslation,
  type TranslatorModule,
} from '../base/iommu.ts';
import { type AddressSpace, requireAddressSpace } from './address-space.ts';
import { Iommu, type IommuOptions } from './iommu.ts';
import { blocksFromArguments } from './iommu-arguments.ts';
import { type IommuEvent, unmapEvent } from './iommu-notifiers.ts';
import type { Bytes } from './region-options.ts';

export interface CallbackIommuOptions extends IommuOptions {
  /** `default` by default. */
  readonly exportName?: string;
  /** Shared with every thread's copy. */
  readonly state?: SharedArrayBuffer;
  /** Cloned into every thread. */
  readonly data?: unknown;
}

/** The whole entry that a translator has for an address; of the control thread's copy. */
export type TranslateOnControl = (iova: bigint, index: number) => IommuTranslation | null;

export class CallbackIommu extends Iommu {
  /** Where translations lead: what their `target` counts. */
  readonly targets: readonly AddressSpace[];
  readonly module: TranslatorModule;
  /** Set by the machine that shows it. */
  translateOnControl: TranslateOnControl | null = null;

  /**
   * @param targets the address spaces where translations may lead
   * @param module URL of an ES module whose export is an IommuTranslatorFactory; loaded as a local device's
   * @throws MemoryError INVALID_ARGUMENT
   */
  constructor(targets: readonly AddressSpace[], module: URL | string, options: CallbackIommuOptions = {}) {
    super(options);
    if (!Array.isArray(targets))
      throw invalidArgument(this.where, `targets must be an array, got ${describeValue(targets)}`);
    for (const target of targets) requireAddressSpace(this.where, target);
    if (targets.length === 0)
      throw invalidArgument(this.where, 'it needs at least one address space to lead to');
    this.targets = [...targets];
    this.module = {
      module: moduleFromArgument(this.where, module),
      exportName: exportFromArgument(this.where, options.exportName),
      state: options.state ?? new SharedArrayBuffer(0),
      data: options.data ?? null,
    };
  }

  /**
   * To call after the translator's state has changed: what it answered for the range is outdated.
   * @returns resolves when every thread has let go of the answers
   * @throws MemoryError INVALID_ARGUMENT, ARENA_FULL, BACK_PRESSURE: then the threads may keep what they know
   */
  notifyUnmap(iova: Bytes, size: Bytes, index = 0): Promise<void> {
    const range = this.blocks(iova, size);
    // A table that is as empty, but another one: readers drop what they remember.
    const event = unmapEvent(this.requireIndex(index), range.iova, range.size);
    this.change(index, { at: 0, count: 0, added: [] }, event);
    return this.readersMovedOn();
  }

  /** Tells the notifiers what the translator now answers in the range. Reader threads ask for themselves. */
  notifyMap(iova: Bytes, size: Bytes, index = 0): void {
    const range = this.blocks(iova, size);
    for (const event of this.mapped(this.requireIndex(index), range.iova, range.iova + range.size - 1n))
      this.notifiers.deliver(event);
  }

  /** Tells the notifiers that devices must drop what their own TLBs hold of the range. */
  notifyDeviceIotlbUnmap(iova: Bytes, size: Bytes, index = 0): void {
    const range = this.blocks(iova, size);
    this.notifiers.deliver(
      unmapEvent(this.requireIndex(index), range.iova, range.size, IOMMU_NOTIFIER_DEVIOTLB_UNMAP),
    );
  }

  /** Asks for every block of minPageSize bytes in turn, as QEMU's default replay does. */
  override *mapped(index: number, start: bigint, last: bigint): Iterable<IommuEvent> {
    const translate = this.translateOnControl;
    if (translate === null)
      throw invalidArgument(this.where, 'it belongs to no machine yet, so nobody can ask it');
    const size = this.minPageSize;
    const end = last < this.end ? last + 1n : this.end;
    for (let iova = start & -size; iova < end; iova += size) {
      const found = translate(iova, index);
      if (found === null || found.permission === 'none') continue;
      const translated = (found.translated & ~found.mask) | (iova & found.mask);
      const space = this.targets[found.target ?? 0] ?? null;
      const { permission } = found;
      yield { type: IOMMU_NOTIFIER_MAP, index, iova, size, translated, space, permission };
    }
  }

  private get end(): bigint {
    return this.region?.size ?? SIZE_2_64;
  }

  private blocks(iova: Bytes, size: Bytes): { iova: bigint; size: bigint } {
    return blocksFromArguments(this.where, { iova, size }, this.minPageSize, this.end);
  }
}
