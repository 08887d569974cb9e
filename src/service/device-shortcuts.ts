/**
 * Tells all threads of the ioeventfds and coalesced ranges of devices: as messages, and then a generation, so that a
 * vCPU has them when it has passed its next checkpoint. No map is rebuilt for them.
 * Guarantee: a device whose section is published for the first time comes with them; a transaction that is
 * undone told nobody anything. To register before the Publisher, whose roots readers find afterwards.
 */
import type { DeviceBinding } from '../base/device-binding.ts';
import { MemoryError } from '../base/errors.ts';
import type { AttachedEventfd, AttachedRange } from '../layout/attachments.ts';
import { DEVICE_HOST_CONTROL } from '../layout/mailbox.ts';
import { Doorbell } from '../mailbox/doorbell.ts';
import type { MemoryRegion } from '../model/memory-region.ts';
import type { PreparedCommit, TransactionChanges, TransactionParticipant } from '../model/transaction.ts';
import type { AttachmentHub } from './attachment-hub.ts';
import { Coalescing, type CoalescingParts, type RingHome } from './coalescing.ts';

export interface DeviceShortcutsParts {
  readonly hub: AttachmentHub;
  readonly grace: { advance(): void; callRcu(callback: () => void): void };
  readonly hosts: CoalescingParts['hosts'];
  readonly replayQueued: CoalescingParts['replayQueued'];
  /** Id of a device that threads may know of. */
  readonly findDevice: (region: MemoryRegion) => number | undefined;
  /** Whose byte order the values of ioeventfds are in. */
  readonly guestEndianness: 'little' | 'big';
}

/** Offsets reach devices as doubles. */
const EXACT_MAX = 2n ** 53n;

export class DeviceShortcuts implements TransactionParticipant {
  readonly coalescing: Coalescing;
  private readonly parts: DeviceShortcutsParts;
  /** Attached, but not yet published with what they have. */
  private readonly fresh = new Map<MemoryRegion, number>();

  constructor(parts: DeviceShortcutsParts) {
    const { grace, hosts, replayQueued } = parts;
    this.parts = parts;
    this.coalescing = new Coalescing({
      callRcu: (callback) => grace.callRcu(callback),
      hosts,
      replayQueued,
    });
  }

  /**
   * `region` becomes known to threads as `device`.
   * @throws MemoryError INVALID_ARGUMENT for what its device cannot have
   */
  onDevice(device: number, region: MemoryRegion): void {
    refuseImpossible(region);
    this.reserve(region);
    this.fresh.set(region, device);
  }

  prepare({ eventfds, coalesced }: TransactionChanges): PreparedCommit {
    if (eventfds.size + coalesced.size > 0) this.check(keysOf(eventfds, coalesced));
    return {
      publish: () => this.publish(eventfds, coalesced),
      abandon: () => {}, // what is fresh stays so: its section was not published
    };
  }

  private check(regions: ReadonlySet<MemoryRegion>): void {
    for (const region of regions) {
      if (this.parts.findDevice(region) === undefined) continue;
      refuseImpossible(region);
      this.reserve(region);
    }
  }

  private reserve(region: MemoryRegion): void {
    if (region.coalescing.items.length > 0) this.coalescing.reserveRing(region);
  }

  private publish(eventfds: ByRegion, coalesced: ByRegion): void {
    if (eventfds.size + coalesced.size + this.fresh.size === 0) return; // nearly always
    let posted = false;
    for (const region of keysOf(eventfds, coalesced, this.fresh)) {
      const device = this.parts.findDevice(region);
      if (device === undefined) continue; // of another machine, or not published yet
      const isFresh = this.fresh.has(region);
      const { coalescing } = region;
      if (isFresh ? region.eventfds.items.length > 0 : eventfds.has(region)) {
        this.postEventfds(device, region);
        posted = true;
      }
      if (isFresh ? coalescing.items.length > 0 || coalescing.flush : coalesced.has(region)) {
        this.postCoalescing(device, region);
        posted = true;
      }
    }
    this.fresh.clear();
    if (posted) this.parts.grace.advance();
  }

  private postEventfds(device: number, region: MemoryRegion): void {
    const swap = this.parts.guestEndianness === 'big';
    const eventfds: AttachedEventfd[] = [];
    for (const { offset, size, match, notifier } of region.eventfds.items) {
      if (!(notifier instanceof Doorbell)) continue; // somebody else signals it: a listener
      const value = match !== null && swap ? swapped(match, size) : match;
      eventfds.push({ offset: Number(offset), size, match: value, doorbell: notifier.handle });
    }
    this.parts.hub.post({ kind: 'eventfds', device, eventfds });
  }

  private postCoalescing(device: number, region: MemoryRegion): void {
    const { coalescing } = this;
    const { items, flush } = region.coalescing;
    const old = coalescing.ringOf(region);
    const isNew = old === null && items.length > 0;
    const ring = isNew ? coalescing.addRing(region, device, homeOf(region.device!)) : old;
    this.parts.hub.post({ kind: 'coalesced', device, ranges: items.map(rangeOf), flush, ring });
    if (isNew) coalescing.open(region);
    // QEMU drains before it drops a range. Queued writes are bound to their device, so it need only be soon.
    if (ring !== null && items.length === 0) setImmediate(() => void coalescing.flush(region));
  }
}

type ByRegion = ReadonlyMap<MemoryRegion, unknown>;

const keysOf = (...maps: readonly ByRegion[]): ReadonlySet<MemoryRegion> =>
  new Set(maps.flatMap((map) => [...map.keys()]));

function homeOf(binding: DeviceBinding): RingHome {
  switch (binding.placement) {
    case 'local':
      return { placement: 'local', host: -1 };
    case 'control':
      return { placement: 'homed', host: DEVICE_HOST_CONTROL };
    case 'hosted':
      return { placement: 'homed', host: binding.host };
  }
}

/** As doubles; what lies past EXACT_MAX is not coalesced. */
function rangeOf({ offset, size }: { readonly offset: bigint; readonly size: bigint }): AttachedRange {
  const exact = (address: bigint): number => Number(address < EXACT_MAX ? address : EXACT_MAX);
  return { start: exact(offset), end: exact(offset + size) };
}

function refuseImpossible({ name, device, eventfds, coalescing }: MemoryRegion): void {
  if (device?.placement === 'local' && device.lock === 'none' && coalescing.items.length > 0) {
    throw new MemoryError(
      'INVALID_ARGUMENT',
      `region '${name}' has coalesced ranges, but its device is called without a lock: in the order of a queue it could not run in parallel, and queuing costs more than its call; use lock 'shared' or 'own', or home it`,
    );
  }
  const far = eventfds.items.find(({ offset, size }) => offset + BigInt(size) > EXACT_MAX);
  if (far !== undefined) {
    throw new MemoryError(
      'INVALID_ARGUMENT',
      `ioeventfd of region '${name}' at offset 0x${far.offset.toString(16)}: doorbells lie below 2^53; move it there, or let a smaller region have it`,
    );
  }
}

/** The lowest `size` bytes of `value` in the other order. */
function swapped(value: bigint, size: number): bigint {
  let result = 0n;
  for (let i = 0n; i < size; i += 1n) result = (result << 8n) | ((value >> (8n * i)) & 0xffn);
  return result;
}
