/**
 * When the devices of regions that are finalised are at rest. Control thread only.
 * Guarantee: release() resolves after the last call of the region's callbacks for an access, also one by a vCPU that
 * was killed, and after the last write that was queued for it; then owners may tell that they are finalised.
 *
 * A grace period is not enough: who waits for a device, or for the lock of one, is offline inside its access. Such
 * readers say so before they go offline (READER_WAITS), and are waited for until their next checkpoint.
 */
import { setTimeout as pause } from 'node:timers/promises';
import {
  hostReaderSlot,
  mailboxWord,
  READER_COUNT_MAX,
  READER_WAITS,
  readerWord,
  type SharedWords,
} from '../layout/control-block.ts';
import { DEVICE_HOST_CONTROL, hostOfState, MAILBOX_DEVICE, MAILBOX_STATE } from '../layout/mailbox.ts';
import type { MemoryRegion } from '../model/memory-region.ts';
import type { RegionBacker } from '../model/region-lifetime.ts';

export interface DeviceEndsParts {
  readonly words: SharedWords;
  readonly synchronize: () => Promise<void>;
  /** Has the writes done that are queued for `region`. */
  readonly flush: (region: MemoryRegion) => Promise<void>;
  readonly hosts: {
    /** Whether a device host may still answer. */
    isAlive(host: number): boolean;
  };
}

/** Between two looks at readers that have not moved on. */
const LOOK_MS = 2;
/** Accesses of the control thread are over when anything here runs, so it says nothing by its word. */
const CONTROL_SLOT = hostReaderSlot(DEVICE_HOST_CONTROL);

export class DeviceEnds implements RegionBacker {
  private readonly parts: DeviceEndsParts;
  /** By their regions: the ids of devices that threads know. */
  private readonly devices = new Map<MemoryRegion, number>();
  private closed = false;

  constructor(parts: DeviceEndsParts) {
    this.parts = parts;
  }

  /** Threads hear of `device` from now on. */
  add(region: MemoryRegion, device: number): void {
    this.devices.set(region, device);
    region.lifetime.backers.add(this);
  }

  async release(region: MemoryRegion): Promise<void> {
    const device = this.devices.get(region)!;
    this.devices.delete(region);
    region.lifetime.backers.delete(this);
    const { synchronize, flush } = this.parts;
    await synchronize(); // no layout that shows it is in use
    if (!this.closed) await flush(region);
    const inside = this.inside;
    while (!this.closed && (inside.size > 0 || this.isAsked(device))) {
      await pause(LOOK_MS);
      await synchronize(); // each reader's next checkpoint looks
      for (const [slot, waits] of inside) if (this.waitsOf(slot) !== waits) inside.delete(slot);
    }
  }

  /** Nobody is inside of a device any more; its regions may live on without this machine. */
  close(): void {
    this.closed = true;
    for (const region of this.devices.keys()) region.lifetime.backers.delete(this);
  }

  /** READER_WAITS of the readers that may be inside an access, by their slots. */
  private get inside(): Map<number, number> {
    const inside = new Map<number, number>();
    for (let slot = 0; slot < READER_COUNT_MAX; slot += 1) {
      const waits = this.waitsOf(slot);
      if ((waits & 1) !== 0 && slot !== CONTROL_SLOT) inside.set(slot, waits);
    }
    return inside;
  }

  private waitsOf(slot: number): number {
    return Atomics.load(this.parts.words, readerWord(slot) + READER_WAITS); // pairs with ReaderSession.noteWait
  }

  /** Whether a host has still to answer an access to `device`, if only to a reader that is gone. */
  private isAsked(device: number): boolean {
    const { words, hosts } = this.parts;
    for (let slot = 0; slot < READER_COUNT_MAX; slot += 1) {
      const host = hostOfState(Atomics.load(words, mailboxWord(slot) + MAILBOX_STATE)); // pairs with MailboxResponder.serveSlot
      if (host >= 0 && words[mailboxWord(slot) + MAILBOX_DEVICE] === device && hosts.isAlive(host))
        return true;
    }
    return false;
  }
}
