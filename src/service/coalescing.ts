/**
 * Control side of coalesced MMIO: the rings of all devices that ever had a range, and whoever must replay them
 * when no access does.
 * Guarantee: no write is queued in a ring that some thread does not know of; flush() resolves when what was queued
 * before is done, or its host has died. A reader that has gone holds no ring, and what it queued is replayed.
 * Writes, in RING_STATE: RING_UNKNOWN; RING_UNSERVED of worker-local devices; the holder, once its exit was confirmed.
 */
import { RING_BYTES, RING_HEAD } from '../layout/coalesced-ring.ts';
import { hostReaderSlot } from '../layout/control-block.ts';
import {
  breakRingLock,
  CoalescedRing,
  closeRing,
  createRing,
  openRing,
  serveRing,
} from '../mailbox/coalesced-ring.ts';
import type { MemoryRegion } from '../model/memory-region.ts';

/** Where the callbacks of a device are called. */
export interface RingHome {
  readonly placement: 'local' | 'homed';
  /** Of a homed device; -1 otherwise. */
  readonly host: number;
}

export interface CoalescingParts {
  /** Calls back after a grace period. */
  readonly callRcu: (callback: () => void) => void;
  readonly hosts: {
    attachRing(device: number, host: number, ring: SharedArrayBuffer): void;
    isAlive(host: number): boolean;
  };
  /** Replays what is for the control thread to replay, and rings the other hosts. */
  readonly replayQueued: () => void;
}

interface KnownRing {
  readonly ring: CoalescedRing;
  readonly home: RingHome;
}

/** Longest sleep before it is looked again whether the host lives. */
const ALIVE_CHECK_MS = 50;
/** Longest time that setInterval takes: only there to keep a process alive. */
const FOR_EVER_MS = 0x7fffffff;

export class Coalescing {
  private readonly parts: CoalescingParts;
  private readonly rings = new Map<MemoryRegion, KnownRing>();
  /** Made for rings that a commit may bring. */
  private readonly spare = new Map<MemoryRegion, SharedArrayBuffer>();

  constructor(parts: CoalescingParts) {
    this.parts = parts;
  }

  /** The ring of `region`; null if it never had one. */
  ringOf(region: MemoryRegion): SharedArrayBuffer | null {
    return this.rings.get(region)?.ring.words.buffer ?? null;
  }

  /** Of all rings. */
  get sharedBytes(): number {
    return this.rings.size * RING_BYTES;
  }

  /** Does what addRing() must not fail in: it is called when a commit cannot fail any more. */
  reserveRing(region: MemoryRegion): void {
    if (!this.rings.has(region) && !this.spare.has(region)) this.spare.set(region, createRing());
  }

  /** Makes the ring of `region`, which has none but was reserved. Post it to all threads, then open() it. */
  addRing(region: MemoryRegion, device: number, home: RingHome): SharedArrayBuffer {
    const buffer = this.spare.get(region)!;
    this.spare.delete(region);
    const ring = new CoalescedRing(buffer);
    this.rings.set(region, { ring, home });
    if (home.placement === 'homed') this.parts.hosts.attachRing(device, home.host, buffer);
    else serveRing(ring.words); // every thread replays it
    return buffer;
  }

  /** Lets writes be queued, once every thread knows the ring: one that does not would access past it. */
  open(region: MemoryRegion): void {
    const { ring, home } = this.rings.get(region)!;
    this.parts.callRcu(() => {
      if (this.lives(home)) openRing(ring.words);
    });
  }

  /** Replays what was queued until now: of `region`, or of all. */
  async flush(region: MemoryRegion | null): Promise<void> {
    const known = region === null ? [...this.rings.values()] : [this.rings.get(region) ?? []].flat();
    const waits = known.map((each) => ({ ...each, tail: each.ring.headWhenDone }));
    this.parts.replayQueued();
    const late = waits.filter(({ ring, tail }) => !isDone(ring, tail));
    if (late.length === 0) return;
    const keepAlive = setInterval(() => {}, FOR_EVER_MS); // waitAsync does not
    try {
      for (const { ring, home, tail } of late) await this.done(ring, home, tail);
    } finally {
      clearInterval(keepAlive);
    }
  }

  /** The thread of the reader in `slot` has exited, or its reader has ended. */
  readerGone(slot: number): void {
    for (const { ring, home } of this.rings.values()) {
      breakRingLock(ring.words, slot);
      if (hostReaderSlot(home.host) === slot && home.placement === 'homed') closeRing(ring.words); // writes fail from now on, as they would without a ring
    }
    this.parts.replayQueued();
  }

  private async done(ring: CoalescedRing, home: RingHome, tail: number): Promise<void> {
    while (!isDone(ring, tail) && home.placement === 'homed' && this.lives(home)) {
      const head = Atomics.load(ring.words, RING_HEAD);
      if (((head - tail) | 0) >= 0) return;
      const sleep = Atomics.waitAsync(ring.words, RING_HEAD, head, ALIVE_CHECK_MS); // pairs with replayAll
      if (sleep.async) await sleep.value;
    }
  }

  private lives({ placement, host }: RingHome): boolean {
    return placement === 'local' || this.parts.hosts.isAlive(host);
  }
}

const isDone = (ring: CoalescedRing, tail: number): boolean =>
  ((Atomics.load(ring.words, RING_HEAD) - tail) | 0) >= 0;
