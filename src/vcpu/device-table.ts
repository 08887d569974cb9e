/**
 * A vCPU's way to devices, by device id: calls its own copy of a worker-local device, under the shared
 * lock unless the device opted out, and hands accesses of homed devices to their host. One thread's own.
 * Guarantee: read() and write() return, never throw, and leave MEMTX_ERROR where the device failed, its
 * module does not load or its host is dead. After any call that may have blocked, every port of the vCPU
 * is on the newest layout: the caller must use nothing that it loaded from the map before the call.
 */
import { assert } from '../base/assert.ts';
import type { DeviceCallbacks } from '../base/device-binding.ts';
import { MEMTX_OK, type MemTxResult } from '../base/mem-tx-result.ts';
import type { AttachedDevice } from '../layout/attachments.ts';
import { PHASE_WAITING_FOR_DEVICE, type SharedWords } from '../layout/control-block.ts';
import { MailboxRequester } from '../mailbox/requester.ts';
import type { DeviceCalls } from './device-calls.ts';
import { DeviceHandler, type ReportDevice } from './device-handler.ts';
import { LoadedDeviceContext, loadDevice } from './device-loader.ts';
import { DeviceLock } from './device-lock.ts';
import type { ReaderSession } from './reader-session.ts';

/** How an access reaches the device. */
const ROUTE_PARALLEL = 0;
const ROUTE_LOCKED = 1;
const ROUTE_HOMED = 2;
const ROUTE_NOT_LOADED = 3;
const ROUTE_FAILED = 4;
const ROUTE_UNKNOWN = 5;

/** One device as this vCPU sees it; one hidden class for all. */
class DeviceRoute {
  readonly route: number;
  readonly handler: DeviceHandler;
  readonly host: number;
  /** What to load at the first access; null for homed devices. */
  readonly local: LocalModule | null;
  /** Why accesses fail; null where they do not. */
  readonly problem: unknown;

  constructor(
    route: number,
    handler: DeviceHandler,
    host: number,
    local: LocalModule | null,
    problem: unknown,
  ) {
    this.route = route;
    this.handler = handler;
    this.host = host;
    this.local = local;
    this.problem = problem;
  }
}

interface LocalModule {
  readonly device: number;
  readonly regionName: string;
  readonly attached: Extract<AttachedDevice, { placement: 'local' }>;
}

const NO_CALLBACKS: DeviceCallbacks = { read: () => 0, write: () => {} };

const parallel = ROUTE_PARALLEL; // local names for the hot path

export class DeviceTable implements DeviceCalls {
  result: MemTxResult = MEMTX_OK;
  /** Called when a device is unknown; it must attach() what has been posted. */
  onMissing: () => void = () => {};
  private readonly words: SharedWords;
  private readonly session: ReaderSession;
  private readonly requester: MailboxRequester;
  private readonly lock: DeviceLock;
  private readonly report: ReportDevice;
  private readonly unknown: DeviceRoute;
  private readonly routes: DeviceRoute[] = [];

  constructor(words: SharedWords, session: ReaderSession, report: ReportDevice) {
    this.words = words;
    this.session = session;
    this.requester = new MailboxRequester(words, session.reader.slot);
    this.lock = new DeviceLock(words, session);
    this.report = report;
    this.unknown = new DeviceRoute(ROUTE_UNKNOWN, this.handlerOf(-1, '', NO_CALLBACKS), 0, null, null);
  }

  /** Makes `device` known; a local one is loaded by loadAll() or at its first access. */
  attach(device: number, regionName: string, attached: AttachedDevice): void {
    while (this.routes.length <= device) this.routes.push(this.unknown);
    const handler = this.handlerOf(device, regionName, NO_CALLBACKS);
    this.routes[device] =
      attached.placement === 'homed'
        ? new DeviceRoute(ROUTE_HOMED, handler, attached.host, null, null)
        : new DeviceRoute(ROUTE_NOT_LOADED, handler, 0, { device, regionName, attached }, null);
  }

  /**
   * Loads every local device that is known.
   * @throws MemoryError DEVICE_MODULE_INVALID for the first that does not load
   */
  loadAll(): void {
    for (let device = 0; device < this.routes.length; device += 1) {
      const { route, local } = this.routes[device]!;
      if (route === ROUTE_NOT_LOADED && local !== null) this.routes[device] = this.load(local);
    }
  }

  read(device: number, offset: number, size: number): number {
    const route = device < this.routes.length ? this.routes[device]! : this.unknown;
    if (route.route !== parallel) return this.readOtherwise(device, route, offset, size);
    const handler = route.handler;
    const value = handler.read(offset, size);
    this.result = handler.result;
    return value;
  }

  write(device: number, offset: number, value: number, size: number): void {
    const route = device < this.routes.length ? this.routes[device]! : this.unknown;
    if (route.route !== parallel) this.writeOtherwise(device, route, offset, value, size);
    else {
      const handler = route.handler;
      handler.write(offset, value, size);
      this.result = handler.result;
    }
  }

  private readOtherwise(device: number, known: DeviceRoute, offset: number, size: number): number {
    const route = known.route >= ROUTE_NOT_LOADED ? this.resolve(device) : known;
    const handler = route.handler;
    if (route.route === ROUTE_HOMED) return this.askHost(route.host, device, offset, size, 0);
    let value = 0;
    if (route.route === ROUTE_FAILED)
      handler.fail(offset, size, false, 'its module does not load', route.problem);
    else if (route.route === ROUTE_PARALLEL) value = handler.read(offset, size);
    else {
      this.lock.acquire();
      try {
        value = handler.read(offset, size);
      } finally {
        this.lock.release();
      }
    }
    this.result = handler.result;
    return value;
  }

  private writeOtherwise(
    device: number,
    known: DeviceRoute,
    offset: number,
    value: number,
    size: number,
  ): void {
    const route = known.route >= ROUTE_NOT_LOADED ? this.resolve(device) : known;
    const handler = route.handler;
    if (route.route === ROUTE_HOMED) {
      this.askHost(route.host, device, offset, -size, value);
      return;
    }
    if (route.route === ROUTE_FAILED)
      handler.fail(offset, size, true, 'its module does not load', route.problem);
    else if (route.route === ROUTE_PARALLEL) handler.write(offset, value, size);
    else {
      this.lock.acquire();
      try {
        handler.write(offset, value, size);
      } finally {
        this.lock.release();
      }
    }
    this.result = handler.result;
  }

  /** Offline while it waits: the handler may publish layouts, and grace periods must not wait for us. */
  private askHost(host: number, device: number, offset: number, access: number, value: number): number {
    this.session.detach(PHASE_WAITING_FOR_DEVICE);
    const answer = this.requester.access(host, device, offset, access, value);
    this.session.attach();
    this.result = this.requester.result;
    return answer;
  }

  /** The route of a device that is not loaded yet, or was not known when it was looked up. */
  private resolve(device: number): DeviceRoute {
    if (device >= this.routes.length || this.routes[device]!.route === ROUTE_UNKNOWN) this.onMissing();
    const route = device < this.routes.length ? this.routes[device]! : this.unknown;
    assert(route.route !== ROUTE_UNKNOWN, `device ${device} was posted before its section was published`);
    if (route.route !== ROUTE_NOT_LOADED || route.local === null) return route;
    const loaded = this.tryLoad(route.local);
    this.routes[device] = loaded;
    return loaded;
  }

  private tryLoad(local: LocalModule): DeviceRoute {
    try {
      return this.load(local);
    } catch (error) {
      const handler = this.handlerOf(local.device, local.regionName, NO_CALLBACKS);
      return new DeviceRoute(ROUTE_FAILED, handler, 0, local, error);
    }
  }

  private load(local: LocalModule): DeviceRoute {
    const { device, regionName, attached } = local;
    const context = new LoadedDeviceContext(attached, regionName, this.words, this.session.reader.slot);
    const handler = this.handlerOf(device, regionName, loadDevice(attached, context));
    return new DeviceRoute(attached.lock === 'none' ? ROUTE_PARALLEL : ROUTE_LOCKED, handler, 0, local, null);
  }

  private handlerOf(device: number, regionName: string, callbacks: DeviceCallbacks): DeviceHandler {
    return new DeviceHandler({ device, regionName, callbacks }, this.session.reader.slot, this.report);
  }
}
