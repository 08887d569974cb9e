/**
 * MemoryListener: whoever mirrors an address space, as an accelerator or a DMA engine does. It is told of
 * true differences; what is told adds up to the flat view, from its registration to its removal.
 *
 *   callback                              told                                    listeners by priority
 *   begin, commit                         around a commit that changed its space  ascending
 *   logStop, coalescedIoDel, regionDel    first, for each range that vanished     descending
 *   regionAdd, coalescedIoAdd, logStart   then, for each range that appeared      ascending
 *   regionNop                             there too, for each range that stayed   ascending
 *   logStart, logStop                     there too, where masks changed          ascending, descending
 *   eventfdDel, then eventfdAdd           last                                    descending, ascending
 *   logGlobalStart, logGlobalStop         by Machine.dirtyTracking                ascending, descending
 *   logSync, logSyncGlobal, logClear      likewise                                ascending
 *
 * Ranges come in ascending order; listeners of equal priority in order of registration, or its reverse. When
 * a listener is called, vCPUs may find the new map already; what vanishes is not reclaimed yet. A range of
 * which only the mask changed stayed; with any other change it vanishes and appears.
 * @source QEMU include/exec/memory.h, struct MemoryListener
 */
import type { RegionEventfd } from '../model/eventfd-list.ts';
import type { MemoryRegionSection } from '../render/memory-region-section.ts';

/** Priorities that QEMU names; any unsigned 32-bit integer will do. */
export const LISTENER_PRIORITY_MIN = 0;
/** Accelerators: told of what appears before the users of that map. */
export const LISTENER_PRIORITY_ACCEL = 10;
export const LISTENER_PRIORITY_DEV_BACKEND = 10;

/** An ioeventfd where it shows in an address space. */
export interface SeenEventfd extends Omit<RegionEventfd, 'offset'> {
  readonly offsetWithinAddressSpace: bigint;
}

/**
 * All callbacks are optional. They must not change the tree (TRANSACTION_REENTERED); what one throws is
 * reported to the machine's `onListenerError`, the others are called all the same, and the commit stands.
 */
export interface MemoryListener {
  /** For messages. */
  readonly name: string;
  readonly priority: number;
  /** Also hears begin, commit and regionNop for each topology commit of its machine, changed or not. */
  readonly fullPass?: boolean;
  begin?(): void;
  commit?(): void;
  regionAdd?(section: MemoryRegionSection): void;
  regionDel?(section: MemoryRegionSection): void;
  /** The section stayed as it was. Only with `fullPass`. */
  regionNop?(section: MemoryRegionSection): void;
  /** Masks are bits `1 << DIRTY_CLIENT_*`; `now` has bits that `old` has not. */
  logStart?(section: MemoryRegionSection, old: number, now: number): void;
  /** `old` has bits that `now` has not. */
  logStop?(section: MemoryRegionSection, old: number, now: number): void;
  /** Dirty bits of the section are about to be read: bring yours in. Not together with logSyncGlobal. */
  logSync?(section: MemoryRegionSection): void;
  /** The same for a listener that cannot tell ranges apart. */
  logSyncGlobal?(lastStage: boolean): void;
  /** Dirty bits of the section are about to be cleared. */
  logClear?(section: MemoryRegionSection): void;
  /** Tracking of all memory begins. What it throws refuses that: see DirtyTracking.start. */
  logGlobalStart?(): void;
  logGlobalStop?(): void;
  /** Dirty bits were read. */
  logGlobalAfterSync?(): void;
  /** @param section the range where it shows; an eventfd that crosses a border is told for each */
  eventfdAdd?(section: MemoryRegionSection, eventfd: SeenEventfd): void;
  eventfdDel?(section: MemoryRegionSection, eventfd: SeenEventfd): void;
  /** Writes to `[offsetWithinAddressSpace, + size)`, which lies in the section, may be queued. */
  coalescedIoAdd?(section: MemoryRegionSection, offsetWithinAddressSpace: bigint, size: bigint): void;
  coalescedIoDel?(section: MemoryRegionSection, offsetWithinAddressSpace: bigint, size: bigint): void;
}

export type ListenerCallback = Exclude<keyof MemoryListener, 'name' | 'priority' | 'fullPass'>;

/** A callback of a listener threw. */
export interface ListenerReport {
  readonly listener: MemoryListener;
  readonly callback: ListenerCallback;
  /** What it was told of; null where that is no section. */
  readonly section: MemoryRegionSection | null;
  readonly error: unknown;
}
