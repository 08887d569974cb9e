/**
 * A thread's way to devices, by device id: calls its own copy of a worker-local device, under the shared
 * lock or one of the device's own unless it opted out, and hands accesses of homed devices to their host. One
 * thread's own.
 * Guarantee: read() and write() return, never throw, and leave MEMTX_ERROR where the device failed, its
 * module does not load or its host is dead. After any call that may have blocked, every port of the vCPU
 * is on the newest layout: the caller must use nothing that it loaded from the map before the call.
 */
import type { MemTxAttrs } from '../base/mem-tx-attrs.ts';
import { MEMTX_OK, type MemTxResult } from '../base/mem-tx-result.ts';
import type { AttachedDevice, Attachment } from '../layout/attachments.ts';
import type { SharedWords } from '../layout/control-block.ts';
import { probeOf, readAccess, writeAccess } from '../layout/mailbox.ts';
import type { AttentiveWait } from '../mailbox/requester.ts';
import type { DeviceCalls } from './device-calls.ts';
import type { DeviceHandler } from './device-handler.ts';
import type { DeviceMemory } from './device-loader.ts';
import { ThreadLocks } from './device-lock.ts';
import { bulkAccessSize, type DeviceRoute, ROUTE_FAILED, ROUTE_HOMED } from './device-route.ts';
import { DeviceRoutes } from './device-routes.ts';
import type { ReportDevice } from './failure-reports.ts';
import { HostCalls } from './host-calls.ts';
import { LocalReplayer, QueuedWrites, type RingPlaces } from './queued-writes.ts';
import type { ReaderSession } from './reader-session.ts';
import { type DeviceHome, RouteLoader } from './route-loader.ts';

const homed = ROUTE_HOMED; // a local name for the hot path
const LEADS_BACK = 'too many calls of devices are inside each other; one leads back to itself';

export class DeviceTable implements DeviceCalls, RingPlaces {
  result: MemTxResult = MEMTX_OK;
  high = 0;
  private readonly hosts: HostCalls;
  private readonly locks: ThreadLocks;
  private readonly home: DeviceHome | null;
  private readonly loader: RouteLoader;
  private readonly queued: QueuedWrites;
  private readonly routes: DeviceRoutes;
  private readonly direct: readonly DeviceHandler[];
  private readonly detour: DeviceHandler;

  constructor(
    words: SharedWords,
    session: ReaderSession,
    report: ReportDevice,
    home: DeviceHome | null = null,
  ) {
    this.locks = new ThreadLocks(words, session);
    this.hosts = new HostCalls(words, this.locks, home?.host ?? null);
    this.home = home;
    this.loader = new RouteLoader(words, this.locks, report, home);
    this.queued = new QueuedWrites(session.reader.slot, this);
    this.routes = new DeviceRoutes(this.loader);
    this.direct = this.routes.direct; // in fields of its own for the hot path
    this.detour = this.routes.detour;
  }

  /** What devices that are called in this thread access memory by. */
  set memory(memory: DeviceMemory) {
    this.loader.memory = memory;
  }

  /** Makes waits of this thread end, and has it look after others meanwhile. For the control thread. */
  beAttentive(wait: AttentiveWait): void {
    this.hosts.requester.attentive = wait;
    this.locks.patienceMs = wait.patienceMs;
  }

  /** Called when a device is unknown; it must attach() what has been posted. */
  set onMissing(onMissing: () => void) {
    this.routes.onMissing = onMissing;
  }

  /** Makes `device` known; a local one is loaded by loadAll() or at its first access. */
  attach(device: number, regionName: string, attached: AttachedDevice): void {
    this.routes.attach(device, regionName, attached);
  }

  /** Takes in what changed in the doorbells or the coalescing of a device that is attached. */
  attachShortcuts(attached: Extract<Attachment, { kind: 'eventfds' | 'coalesced' }>): void {
    const shortcuts = this.routes.attachShortcuts(attached);
    if (shortcuts !== null && shortcuts.ring !== null) this.queued.add(attached.device);
  }

  /** @throws MemoryError DEVICE_MODULE_INVALID for the first local device that does not load */
  loadAll(): void {
    this.routes.loadAll();
  }

  read(device: number, offset: number, size: number, attrs: MemTxAttrs): number {
    const handler = device < this.direct.length ? this.direct[device]! : this.detour;
    // Bit 3: of 8 bytes. A multiple of the size may lie at an odd place in the region.
    if (handler === this.detour || ((offset & (size - 1)) | (size & 8)) !== 0)
      return this.readOtherwise(device, offset, size, attrs);
    const value = handler.readPlain(offset, size);
    this.result = handler.result;
    return value;
  }

  write(
    device: number,
    offset: number,
    size: number,
    valueLo: number,
    valueHi: number,
    attrs: MemTxAttrs,
  ): void {
    const handler = device < this.direct.length ? this.direct[device]! : this.detour;
    if (handler === this.detour || ((offset & (size - 1)) | (size & 8)) !== 0) {
      this.writeOtherwise(device, offset, size, valueLo, valueHi, attrs);
    } else {
      handler.writePlain(offset, size, valueLo);
      this.result = handler.result;
    }
  }

  takesUnaligned(device: number): boolean {
    return this.routes.resolve(device).rules.validUnaligned;
  }

  bulkSize(device: number, offset: number, left: number): number {
    return bulkAccessSize(this.routes.resolve(device).rules, offset, left);
  }

  accepts(device: number, offset: number, size: number, isWrite: boolean, attrs: MemTxAttrs): boolean {
    const route = this.routes.resolve(device);
    if (route.route === ROUTE_FAILED) return false;
    if (route.route !== ROUTE_HOMED) return route.handler.accepts(offset, size, isWrite, attrs);
    const access = probeOf(isWrite ? writeAccess(size) : readAccess(size));
    return this.askHost(route, device, offset, access, 0, 0, attrs) !== 0;
  }

  /**
   * Before this thread sleeps, or leaves what it did to others: has the writes that it queued replayed, here or,
   * soon, by their host.
   */
  handOverQueued(): void {
    this.queued.handOver();
  }

  /** Replays what anybody queued, where that is for this thread to do, and has the other hosts do it soon. */
  replayQueued(): void {
    this.queued.replayOrRing();
  }

  /** @internal for QueuedWrites */
  routeTo(device: number): DeviceRoute {
    return this.routes.resolve(device);
  }

  /** @internal for QueuedWrites: replays the ring of a device whose callbacks are called in this thread. */
  replayHere(route: DeviceRoute): void {
    if (!this.enter(route)) return;
    try {
      this.replay(route);
    } finally {
      route.lock?.release();
    }
  }

  /** @internal for QueuedWrites: has the device's host replay its rings, and waits for that where it may. */
  flushHost(route: DeviceRoute, device: number): void {
    this.hosts.flush(route, device);
  }

  /** @internal for QueuedWrites */
  ringHost(host: number): void {
    this.hosts.requester.ring(host);
  }

  private readOtherwise(device: number, offset: number, size: number, attrs: MemTxAttrs): number {
    const route = this.routes.resolve(device);
    const { handler, lock } = route;
    if (lock === null || route.shortcuts !== null)
      return this.readByRoute(device, route, offset, size, attrs);
    let value = 0;
    if (lock.acquire()) {
      // DeviceHandler never throws, unless the stack ends: what was taken is given back then, too.
      try {
        value = handler.read(offset, size, attrs);
      } finally {
        lock.release();
      }
    } else this.failToEnter(route, offset, size, false);
    this.result = handler.result;
    this.high = handler.high;
    return value;
  }

  private writeOtherwise(
    device: number,
    offset: number,
    size: number,
    valueLo: number,
    valueHi: number,
    attrs: MemTxAttrs,
  ): void {
    const route = this.routes.resolve(device);
    const { handler, lock, shortcuts } = route;
    if (shortcuts?.rings(handler, offset, size, valueLo, valueHi, attrs)) {
      this.result = MEMTX_OK;
      return;
    }
    if (lock === null || shortcuts !== null) {
      this.writeByRoute(device, route, offset, size, valueLo, valueHi, attrs);
      return;
    }
    if (lock.acquire()) {
      try {
        handler.write(offset, size, valueLo, valueHi, attrs);
      } finally {
        lock.release();
      }
    } else this.failToEnter(route, offset, size, true);
    this.result = handler.result;
  }

  private readByRoute(
    device: number,
    route: DeviceRoute,
    offset: number,
    size: number,
    attrs: MemTxAttrs,
  ): number {
    const { handler, shortcuts } = route;
    if (shortcuts?.flush) this.queued.flush(route.host);
    if (route.route === homed) {
      return this.askHost(route, device, offset, readAccess(size), 0, 0, attrs);
    }
    let value = 0;
    if (this.enter(route)) {
      try {
        this.replay(route);
        value = handler.read(offset, size, attrs);
      } finally {
        route.lock?.release();
      }
    } else this.failToEnter(route, offset, size, false);
    this.result = handler.result;
    this.high = handler.high;
    return value;
  }

  private writeByRoute(
    device: number,
    route: DeviceRoute,
    offset: number,
    size: number,
    valueLo: number,
    valueHi: number,
    attrs: MemTxAttrs,
  ): void {
    const { handler, shortcuts } = route;
    if (shortcuts !== null) {
      if (this.queued.takes(route, offset, size, valueLo, valueHi, attrs)) {
        this.result = MEMTX_OK;
        return;
      }
      if (shortcuts.flush) this.queued.flush(route.host);
    }
    if (route.route === homed) {
      this.askHost(route, device, offset, writeAccess(size), valueLo, valueHi, attrs);
      return;
    }
    if (this.enter(route)) {
      try {
        this.replay(route);
        handler.write(offset, size, valueLo, valueHi, attrs);
      } finally {
        route.lock?.release();
      }
    } else this.failToEnter(route, offset, size, true);
    this.result = handler.result;
  }

  /** Records why enter() or the lock refused an access. */
  private failToEnter(
    { route, handler, lock, problem }: DeviceRoute,
    offset: number,
    size: number,
    isWrite: boolean,
  ) {
    if (route === ROUTE_FAILED) handler.fail(offset, size, isWrite, 'its module does not load', problem);
    else if (lock!.isExhausted) handler.deny(offset, size, isWrite, LEADS_BACK);
    else if (this.locks.forbids(lock!))
      handler.deny(offset, size, isWrite, `${this.locks.holder} may not wait for another lock`);
    else handler.fail(offset, size, isWrite, 'a vCPU holds the device lock and does not release it', null);
  }

  /** Before a call of callbacks in this thread: takes the lock. */
  private enter({ route, lock }: DeviceRoute): boolean {
    return route !== ROUTE_FAILED && (lock === null || lock.acquire());
  }

  /** After enter(): replays what is queued for the device. */
  private replay(route: DeviceRoute): void {
    const { lock, shortcuts, handler } = route;
    const ring = shortcuts?.ring ?? null;
    if (ring === null || ring.isEmpty || handler.isEngaged) return; // engaged: replays would be denied
    if (lock !== null) ring.replayAll(new LocalReplayer(route, this.locks.session.reader.slot));
    else this.home?.replayQueued();
  }

  private askHost(
    route: DeviceRoute,
    device: number,
    offset: number,
    access: number,
    valueLo: number,
    valueHi: number,
    attrs: MemTxAttrs,
  ): number {
    const { hosts } = this;
    const answer = hosts.ask(route, device, offset, access, valueLo, valueHi, attrs);
    this.result = hosts.result;
    this.high = hosts.high;
    return answer;
  }
}
