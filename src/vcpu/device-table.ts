/**
 * A thread's way to devices, by device id: calls its own copy of a worker-local device, under the shared
 * lock unless the device opted out, and hands accesses of homed devices to their host. One thread's own.
 * Guarantee: read() and write() return, never throw, and leave MEMTX_ERROR where the device failed, its
 * module does not load or its host is dead. After any call that may have blocked, every port of the vCPU
 * is on the newest layout: the caller must use nothing that it loaded from the map before the call.
 *
 * Who waits for whom has no cycle: nobody waits for a host while holding the lock, nor does a device worker
 * for another host; such accesses are denied (docs/decisions/0011-devices-as-bus-masters.md).
 */
import { assert } from '../base/assert.ts';
import type { MemTxAttrs } from '../base/mem-tx-attrs.ts';
import { MEMTX_OK, type MemTxResult } from '../base/mem-tx-result.ts';
import type { AttachedDevice, Attachment } from '../layout/attachments.ts';
import { PHASE_WAITING_FOR_DEVICE, type SharedWords } from '../layout/control-block.ts';
import {
  accessIsWrite,
  accessSize,
  DEVICE_HOST_CONTROL,
  FLUSH_ACCESS,
  probeOf,
  readAccess,
  writeAccess,
} from '../layout/mailbox.ts';
import { type AttentiveWait, MailboxRequester } from '../mailbox/requester.ts';
import type { DeviceCalls } from './device-calls.ts';
import type { DeviceMemory } from './device-loader.ts';
import { DeviceLock } from './device-lock.ts';
import {
  bulkAccessSize,
  type DeviceRoute,
  ROUTE_FAILED,
  ROUTE_HOMED,
  ROUTE_LOCKED,
  ROUTE_NOT_LOADED,
  ROUTE_PARALLEL,
  ROUTE_UNKNOWN,
} from './device-route.ts';
import type { ReportDevice } from './failure-reports.ts';
import { LocalReplayer, QueuedWrites, type RingPlaces } from './queued-writes.ts';
import type { ReaderSession } from './reader-session.ts';
import { type DeviceHome, RouteLoader } from './route-loader.ts';
import { WriteShortcuts } from './write-shortcuts.ts';

const parallel = ROUTE_PARALLEL; // local names for the hot path
const homed = ROUTE_HOMED;
const notLoaded = ROUTE_NOT_LOADED;

export class DeviceTable implements DeviceCalls, RingPlaces {
  result: MemTxResult = MEMTX_OK;
  high = 0;
  /** Called when a device is unknown; it must attach() what has been posted. */
  onMissing: () => void = () => {};
  private readonly session: ReaderSession;
  private readonly requester: MailboxRequester;
  private readonly lock: DeviceLock;
  private readonly home: DeviceHome | null;
  private readonly loader: RouteLoader;
  private readonly queued: QueuedWrites;
  private readonly unknown: DeviceRoute;
  private readonly routes: DeviceRoute[] = [];

  constructor(
    words: SharedWords,
    session: ReaderSession,
    report: ReportDevice,
    home: DeviceHome | null = null,
  ) {
    const { slot } = session.reader;
    this.session = session;
    this.requester = new MailboxRequester(words, slot);
    this.lock = new DeviceLock(words, session);
    this.home = home;
    this.loader = new RouteLoader(words, slot, report, home);
    this.queued = new QueuedWrites(slot, this);
    this.unknown = this.loader.unknown();
  }

  /** What devices that are called in this thread access memory by. */
  set memory(memory: DeviceMemory) {
    this.loader.memory = memory;
  }

  /** Makes waits of this thread end, and has it look after others meanwhile. For the control thread. */
  beAttentive(wait: AttentiveWait): void {
    this.requester.attentive = wait;
    this.lock.patienceMs = wait.patienceMs;
  }

  /** Makes `device` known; a local one is loaded by loadAll() or at its first access. */
  attach(device: number, regionName: string, attached: AttachedDevice): void {
    while (this.routes.length <= device) this.routes.push(this.unknown);
    this.routes[device] = this.loader.routeOf(device, regionName, attached);
  }

  /** Takes in what changed in the doorbells or the coalescing of a device that is attached. */
  attachShortcuts(attached: Extract<Attachment, { kind: 'eventfds' | 'coalesced' }>): void {
    const route = this.routes[attached.device];
    assert(route !== undefined, `device ${attached.device} was posted before what it is accessed by`);
    const shortcuts = WriteShortcuts.with(route.shortcuts, attached);
    this.routes[attached.device] = route.withShortcuts(shortcuts);
    if (shortcuts !== null && shortcuts.ring !== null) this.queued.add(attached.device);
  }

  /**
   * Loads every local device that is known.
   * @throws MemoryError DEVICE_MODULE_INVALID for the first that does not load
   */
  loadAll(): void {
    for (let device = 0; device < this.routes.length; device += 1) {
      const { route, local, shortcuts } = this.routes[device]!;
      if (route === ROUTE_NOT_LOADED && local !== null)
        this.routes[device] = this.loader.load(local).withShortcuts(shortcuts);
    }
  }

  read(device: number, offset: number, size: number, attrs: MemTxAttrs): number {
    const route = device < this.routes.length ? this.routes[device]! : this.unknown;
    if (route.route !== parallel || size === 8) return this.readOtherwise(device, route, offset, size, attrs);
    const handler = route.handler;
    const value = handler.read(offset, size, attrs);
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
    const route = device < this.routes.length ? this.routes[device]! : this.unknown;
    if (route.route !== parallel) this.writeOtherwise(device, route, offset, size, valueLo, valueHi, attrs);
    else {
      const handler = route.handler;
      handler.write(offset, size, valueLo, valueHi, attrs);
      this.result = handler.result;
    }
  }

  takesUnaligned(device: number): boolean {
    return this.resolve(device).rules.validUnaligned;
  }

  bulkSize(device: number, offset: number, left: number): number {
    return bulkAccessSize(this.resolve(device).rules, offset, left);
  }

  accepts(device: number, offset: number, size: number, isWrite: boolean, attrs: MemTxAttrs): boolean {
    const route = this.resolve(device);
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
    return this.resolve(device);
  }

  /** @internal for QueuedWrites: replays the ring of a device whose callbacks are called in this thread. */
  replayHere(route: DeviceRoute): void {
    if (!this.enter(route)) return;
    this.leave(route);
  }

  /** @internal for QueuedWrites: has the device's host replay its rings, and waits for that where it may. */
  flushHost(route: DeviceRoute, device: number): void {
    if (this.mayNotWait) this.requester.ring(route.host);
    else this.askHost(route, device, 0, FLUSH_ACCESS, 0, 0, 0);
  }

  /** @internal for QueuedWrites */
  ringHost(host: number): void {
    this.requester.ring(host);
  }

  private readOtherwise(
    device: number,
    known: DeviceRoute,
    offset: number,
    size: number,
    attrs: MemTxAttrs,
  ): number {
    const route = known.route < notLoaded ? known : this.resolve(device);
    const { handler, shortcuts } = route;
    if (shortcuts?.flush) this.queued.flush(route.host);
    if (route.route === homed) {
      return this.askHost(route, device, offset, readAccess(size), 0, 0, attrs);
    }
    let value = 0;
    if (this.enterFor(route, offset, size, false)) {
      value = handler.read(offset, size, attrs);
      this.leave(route);
    }
    this.result = handler.result;
    this.high = handler.high;
    return value;
  }

  private writeOtherwise(
    device: number,
    known: DeviceRoute,
    offset: number,
    size: number,
    valueLo: number,
    valueHi: number,
    attrs: MemTxAttrs,
  ): void {
    const route = known.route < notLoaded ? known : this.resolve(device);
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
    if (this.enterFor(route, offset, size, true)) {
      handler.write(offset, size, valueLo, valueHi, attrs);
      this.leave(route);
    }
    this.result = handler.result;
  }

  /** enter() for an access: false, with the failure recorded, if the callbacks cannot be called. */
  private enterFor(route: DeviceRoute, offset: number, size: number, isWrite: boolean): boolean {
    if (this.enter(route)) return true;
    const { handler, problem } = route;
    if (route.route === ROUTE_FAILED)
      handler.fail(offset, size, isWrite, 'its module does not load', problem);
    else handler.fail(offset, size, isWrite, 'a vCPU holds the device lock and does not release it', null);
    return false;
  }

  /** Before a call of callbacks in this thread: takes the lock, and replays what is queued for the device. */
  private enter(route: DeviceRoute): boolean {
    if (route.route === ROUTE_FAILED) return false;
    if (route.route === ROUTE_LOCKED && !this.lock.acquire()) return false;
    const ring = route.shortcuts?.ring ?? null;
    if (ring === null || ring.isEmpty || route.handler.isEngaged) return true; // engaged: replays would be denied
    if (route.route === ROUTE_LOCKED) ring.replayAll(new LocalReplayer(route, this.session.reader.slot));
    else this.home?.replayQueued();
    return true;
  }

  /** DeviceHandler never throws, so what enter() took is always given back. */
  private leave({ route }: DeviceRoute): void {
    if (route === ROUTE_LOCKED) this.lock.release();
  }

  /** Offline while it waits: the handler may publish layouts, and grace periods must not wait for us. */
  private askHost(
    route: DeviceRoute,
    device: number,
    offset: number,
    access: number,
    valueLo: number,
    valueHi: number,
    attrs: MemTxAttrs,
  ): number {
    if (this.mayNotWait) return this.denyWait(route, offset, access);
    this.session.detach(PHASE_WAITING_FOR_DEVICE);
    const { requester } = this;
    const answer = requester.access(route.host, device, offset, access, valueLo, valueHi, attrs);
    this.session.attach();
    this.result = requester.result;
    this.high = requester.high;
    return answer;
  }

  private get mayNotWait(): boolean {
    return this.lock.isHeld || (this.home !== null && this.home.host !== DEVICE_HOST_CONTROL);
  }

  private denyWait({ handler }: DeviceRoute, offset: number, access: number): number {
    const inside = this.lock.isHeld ? 'a device that holds the device lock' : 'another device host';
    const problem = `${inside} may not wait for the thread where it is homed`;
    handler.deny(offset, accessSize(access), accessIsWrite(access), problem);
    this.result = handler.result;
    this.high = 0;
    return 0;
  }

  /** The route of a device, loaded; one that was not known yet is taken in. */
  private resolve(device: number): DeviceRoute {
    const known = device < this.routes.length ? this.routes[device]! : this.unknown;
    if (known.route < ROUTE_NOT_LOADED) return known;
    if (known.route === ROUTE_UNKNOWN) this.onMissing();
    const route = device < this.routes.length ? this.routes[device]! : this.unknown;
    assert(route.route !== ROUTE_UNKNOWN, `device ${device} was posted before its section was published`);
    if (route.route !== ROUTE_NOT_LOADED || route.local === null) return route;
    const loaded = this.loader.tryLoad(route.local).withShortcuts(route.shortcuts);
    this.routes[device] = loaded;
    return loaded;
  }
}
