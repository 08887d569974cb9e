/**
 * What one device's accesses are looked up in, in this thread, before the device is called: its doorbells, its
 * coalesced ranges, its ring. Immutable but for the ring's words; another object after each change.
 */
import type { MemTxAttrs } from '../base/mem-tx-attrs.ts';
import type { AttachedRange, Attachment } from '../layout/attachments.ts';
import { CoalescedRing } from '../mailbox/coalesced-ring.ts';
import type { DeviceHandler } from './device-handler.ts';
import { EventfdIndex } from './eventfd-index.ts';

type AttachedEventfds = Extract<Attachment, { kind: 'eventfds' }>;
type AttachedCoalescing = Extract<Attachment, { kind: 'coalesced' }>;

export class WriteShortcuts {
  readonly eventfds: EventfdIndex | null;
  readonly ranges: readonly AttachedRange[];
  /** Whether accesses have all rings of the machine replayed before. */
  readonly flush: boolean;
  /** Stays when the ranges go: a thread that has not heard of it yet may still queue. */
  readonly ring: CoalescedRing | null;

  private constructor(parts: Pick<WriteShortcuts, 'eventfds' | 'ranges' | 'flush' | 'ring'>) {
    this.eventfds = parts.eventfds;
    this.ranges = parts.ranges;
    this.flush = parts.flush;
    this.ring = parts.ring;
  }

  /** `before` with what was attached taken in; null where nothing is left. */
  static with(
    before: WriteShortcuts | null,
    attached: AttachedEventfds | AttachedCoalescing,
  ): WriteShortcuts | null {
    const parts = { ...(before ?? { eventfds: null, ranges: [], flush: false, ring: null }) };
    if (attached.kind === 'eventfds') {
      parts.eventfds = attached.eventfds.length === 0 ? null : new EventfdIndex(attached.eventfds);
    } else {
      parts.ranges = attached.ranges;
      parts.flush = attached.flush;
      // One object a thread for as long as the device lives: it knows whether this thread is replaying.
      if (attached.ring !== null) parts.ring ??= new CoalescedRing(attached.ring);
    }
    const isEmpty = parts.eventfds === null && parts.ring === null && !parts.flush;
    return isEmpty ? null : new WriteShortcuts(parts);
  }

  /**
   * True if a doorbell was rung for the write, and nothing is left to do. What the device's rules do not allow goes on
   * its way and fails there, as it would without doorbells.
   */
  rings(
    handler: DeviceHandler,
    offset: number,
    size: number,
    valueLo: number,
    valueHi: number,
    attrs: MemTxAttrs,
  ): boolean {
    if (this.eventfds === null) return false;
    const doorbell = this.eventfds.find(offset, size, valueLo, valueHi);
    if (doorbell === null || !handler.accepts(offset, size, true, attrs)) return false;
    doorbell.ring();
    return true;
  }

  /** Whether a write lies in one of the ranges, whole. */
  coalesces(offset: number, size: number): boolean {
    for (const { start, end } of this.ranges) if (offset >= start && offset + size <= end) return true;
    return false;
  }
}
