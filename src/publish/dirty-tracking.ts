/**
 * Global dirty tracking of one machine: all its memory is logged for migration while there is a reason, and
 * listeners are told before bits are read or cleared.
 * Guarantee: a start that anyone refuses has started nothing. A stop while the vCPUs are paused is postponed
 * until they run or tracking starts again: taking the log down then would lengthen the pause.
 * @source QEMU memory_global_dirty_log_start, memory_global_dirty_log_stop
 */
import { describeValue } from '../base/arguments.ts';
import {
  DIRTY_TRACKING_DIRTY_RATE,
  DIRTY_TRACKING_LIMIT,
  DIRTY_TRACKING_MIGRATION,
} from '../base/dirty-log.ts';
import { MemoryError } from '../base/errors.ts';
import type { AddressSpace } from '../model/address-space.ts';
import { insideFromArguments } from '../model/arguments.ts';
import { type MemoryRegion, requireRegion } from '../model/memory-region.ts';
import { refuseInTransaction, refusingMutators } from '../model/transaction.ts';
import type { FlatRange } from '../render/flat-view.ts';
import { MemoryRegionSection, overlapOf } from '../render/memory-region-section.ts';
import type { Audience } from './audience.ts';
import type { Listeners } from './listeners.ts';
import type { MemoryListener } from './memory-listener.ts';
import type { Publisher } from './publisher.ts';

const ALL_REASONS = DIRTY_TRACKING_MIGRATION | DIRTY_TRACKING_DIRTY_RATE | DIRTY_TRACKING_LIMIT;

export class DirtyTracking {
  private readonly publisher: Publisher;
  private readonly listeners: Listeners;
  private current = 0;
  private postponed = 0;
  private running = true;

  constructor(publisher: Publisher, listeners: Listeners) {
    this.publisher = publisher;
    this.listeners = listeners;
  }

  /** OR of the DIRTY_TRACKING_* for which memory is tracked; those of a postponed stop are among them. */
  get reasons(): number {
    return this.current;
  }

  /**
   * Tracks for `reasons` too. The first reason calls logGlobalStart on all listeners and republishes all masks.
   * @throws MemoryError LISTENER_REFUSED if a listener throws: those that had started are stopped again, in
   *   reverse; INVALID_ARGUMENT, TRANSACTION_OPEN, or what a transaction throws; nothing is tracked then
   */
  start(reasons: number): void {
    refuseInTransaction('dirty tracking');
    checkReasons(reasons);
    this.postponed &= ~reasons;
    this.stopPostponed();
    if (this.current === 0) this.startListeners(() => this.publisher.setTracked(true));
    this.current |= reasons;
  }

  /** Ends `reasons`; those that were not begun are ignored. The last takes the masks back, then tells listeners. */
  stop(reasons: number): void {
    refuseInTransaction('dirty tracking');
    checkReasons(reasons);
    this.postponed |= reasons & this.current;
    if (this.running) this.stopPostponed();
  }

  /** The machine's vCPUs were paused, or run again. @throws what stop() throws, with the stop still postponed */
  setRunning(running: boolean): void {
    this.running = running;
    if (running) this.stopPostponed();
  }

  /** For a listener that comes while memory is tracked. @throws MemoryError LISTENER_REFUSED */
  startListener(listener: MemoryListener): void {
    if (this.current !== 0) startOne(listener);
  }

  /**
   * Has listeners bring their dirty bits in: logSync for each range that is logged, or logSyncGlobal.
   * @param region of which only; null for all
   * @source QEMU memory_global_dirty_log_sync
   */
  sync(region: MemoryRegion | null = null, lastStage = false): void {
    this.eachListener((audience, listener, space) => {
      if (listener.logSyncGlobal !== undefined)
        audience.ascending('logSyncGlobal', null, () => listener.logSyncGlobal?.(lastStage));
      if (listener.logSync === undefined) return;
      for (const section of this.loggedSections(space, region))
        audience.ascending('logSync', section, () => listener.logSync?.(section));
    });
  }

  /** Tells listeners that dirty bits of `[offset, offset + size)` of `region` are about to be cleared. */
  clear(region: MemoryRegion, offset: bigint | number, size: bigint | number): void {
    requireRegion('dirty tracking', 'region', region);
    const extent = insideFromArguments(`region '${region.name}'`, region.size, offset, size);
    this.eachListener((audience, listener, space) => {
      if (listener.logClear === undefined) return;
      for (const section of this.loggedSections(space, region, extent))
        audience.ascending('logClear', section, () => listener.logClear?.(section));
    });
  }

  /** Tells listeners that dirty bits were read. */
  afterSync(): void {
    this.listeners.everyone.ascending('logGlobalAfterSync', null, (listener) =>
      listener.logGlobalAfterSync?.(),
    );
  }

  private startListeners(publish: () => void): void {
    const started: MemoryListener[] = [];
    try {
      for (const listener of this.listeners.everyone.listeners) {
        startOne(listener);
        started.push(listener);
      }
      publish();
    } catch (error) {
      this.listeners.everyone.descending('logGlobalStop', null, (listener) => {
        if (started.includes(listener)) listener.logGlobalStop?.();
      });
      throw error;
    }
  }

  private stopPostponed(): void {
    if (this.postponed === 0) return;
    refuseInTransaction('the end of dirty tracking');
    const left = this.current & ~this.postponed;
    if (left === 0) this.publisher.setTracked(false);
    this.current = left;
    this.postponed = 0;
    if (left === 0)
      this.listeners.everyone.descending('logGlobalStop', null, (listener) => listener.logGlobalStop?.());
  }

  private eachListener(
    tell: (audience: Audience, listener: MemoryListener, space: AddressSpace) => void,
  ): void {
    for (const { listener, space } of [...this.listeners.registered])
      tell(this.listeners.only(listener), listener, space);
  }

  private *loggedSections(
    addressSpace: AddressSpace,
    region: MemoryRegion | null,
    within: { offset: bigint; size: bigint } | null = null,
  ): Generator<MemoryRegionSection> {
    const flatView = this.publisher.flatViewOf(addressSpace);
    for (const range of flatView.ranges) {
      if (range.dirtyLogMask === 0 || (region !== null && range.region !== region)) continue;
      const extent = within === null ? range : partOf(range, within);
      if (extent !== null) yield new MemoryRegionSection({ addressSpace, flatView }, range, extent);
    }
  }
}

/** The part of `range` that shows bytes `[offset, offset + size)` of its region. */
function partOf(range: FlatRange, { offset, size }: { offset: bigint; size: bigint }) {
  const start = offset + range.start - range.offsetInRegion;
  return overlapOf(range, start, start + size);
}

function startOne(listener: MemoryListener): void {
  try {
    refusingMutators(() => listener.logGlobalStart?.());
  } catch (cause) {
    throw new MemoryError(
      'LISTENER_REFUSED',
      `listener '${listener.name}' refused that all memory be tracked; see the cause`,
      { cause },
    );
  }
}

function checkReasons(reasons: number): void {
  if (Number.isInteger(reasons) && reasons > 0 && (reasons & ~ALL_REASONS) === 0 && reasons <= ALL_REASONS)
    return;
  throw new MemoryError(
    'INVALID_ARGUMENT',
    `reasons of dirty tracking must be an OR of DIRTY_TRACKING_*, at least one, got ${describeValue(reasons)}`,
  );
}
