/**
 * Writes of one thread that wait in the device's ring until an access could observe them. One thread's own.
 * Guarantee: takes() never waits, neither for a lock nor for a host. After flush() whatever any thread queued
 * before is replayed, but for rings that this thread may not wait for: from inside a device under a
 * lock, and from a device worker, the hosts of those are rung instead, and from inside one under its own lock
 * the rings of other locks stay as they are until somebody accesses their device, or who queued there sleeps.
 */
import type { MemTxAttrs } from '../base/mem-tx-attrs.ts';
import type { Replayer } from '../mailbox/coalesced-ring.ts';
import { type DeviceRoute, ROUTE_HOMED, ROUTE_LOCKED } from './device-route.ts';

/** Where rings are replayed, as the thread sees it; its DeviceTable. */
export interface RingPlaces {
  routeTo(device: number): DeviceRoute;
  replayHere(route: DeviceRoute): void;
  flushHost(route: DeviceRoute, device: number): void;
  ringHost(host: number): void;
}

export class QueuedWrites {
  private readonly slot: number;
  private readonly places: RingPlaces;
  /** All that have a ring. */
  private readonly devices = new Set<number>();
  private hasQueued = false;

  constructor(slot: number, places: RingPlaces) {
    this.slot = slot;
    this.places = places;
  }

  add(device: number): void {
    this.devices.add(device);
  }

  /**
   * True if nothing is left to do for the write. What the device's rules do not allow goes on its way and fails
   * there, as it would without shortcuts.
   */
  takes(
    { route, host, handler, shortcuts }: DeviceRoute,
    offset: number,
    size: number,
    valueLo: number,
    valueHi: number,
    attrs: MemTxAttrs,
  ): boolean {
    if (shortcuts === null) return false;
    // In the device's own home there is nothing to save.
    if (shortcuts.ring === null || (route !== ROUTE_HOMED && route !== ROUTE_LOCKED)) return false;
    if (!shortcuts.coalesces(offset, size) || !handler.accepts(offset, size, true, attrs)) return false;
    if (!shortcuts.ring.queue(this.slot, offset, size, valueLo, valueHi, attrs)) return false;
    this.hasQueued = true;
    // Or the ring would be full, and this thread wait, before a host that has not looked at it.
    if (shortcuts.ring.isDue && route === ROUTE_HOMED) this.places.ringHost(host);
    return true;
  }

  /** Replays all rings, but those of `hostToCome`: that host replays its own before it serves anything. */
  flush(hostToCome: number): void {
    this.replayHereOr((route, device) => {
      if (route.host !== hostToCome) this.places.flushHost(route, device);
    });
  }

  /** Likewise, waiting for no host: those are rung, and replay soon. */
  replayOrRing(): void {
    this.replayHereOr(({ host }) => this.places.ringHost(host));
  }

  /** replayOrRing() if this thread queued something since the last time. */
  handOver(): void {
    if (!this.hasQueued) return;
    this.hasQueued = false;
    this.replayOrRing();
  }

  /** Replays every ring that is not empty, or has `atHost` see to it where another thread must do that. */
  private replayHereOr(atHost: (route: DeviceRoute, device: number) => void): void {
    for (const device of this.devices) {
      const route = this.places.routeTo(device);
      if (route.shortcuts?.ring?.isEmpty !== false) continue;
      if (route.route === ROUTE_HOMED) atHost(route, device);
      else this.places.replayHere(route);
    }
  }
}

/** Replays to a worker-local device, in the name of the vCPUs that wrote. */
export class LocalReplayer implements Replayer {
  private readonly route: DeviceRoute;
  private readonly slot: number;

  /** @param slot of this thread's reader */
  constructor(route: DeviceRoute, slot: number) {
    this.route = route;
    this.slot = slot;
  }

  replay(
    slot: number,
    offset: number,
    size: number,
    valueLo: number,
    valueHi: number,
    attrs: MemTxAttrs,
  ): void {
    this.speakFor(slot);
    this.route.handler.write(offset, size, valueLo, valueHi, attrs);
    this.speakFor(this.slot);
  }

  private speakFor(slot: number): void {
    this.route.handler.vcpu = slot;
    if (this.route.context !== null) this.route.context.vcpu = slot;
  }
}
