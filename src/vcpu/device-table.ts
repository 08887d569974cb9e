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
import { fullAccessRules } from '../base/access-rules.ts';
import { assert } from '../base/assert.ts';
import type { AnyDeviceCallbacks } from '../base/device-binding.ts';
import type { MemTxAttrs } from '../base/mem-tx-attrs.ts';
import { MEMTX_OK, type MemTxResult } from '../base/mem-tx-result.ts';
import { type AttachedDevice, NO_GUARD } from '../layout/attachments.ts';
import { PHASE_WAITING_FOR_DEVICE, type SharedWords } from '../layout/control-block.ts';
import {
  accessIsWrite,
  accessSize,
  DEVICE_HOST_CONTROL,
  probeOf,
  readAccess,
  writeAccess,
} from '../layout/mailbox.ts';
import { type AttentiveWait, MailboxRequester } from '../mailbox/requester.ts';
import type { DeviceCalls } from './device-calls.ts';
import { DeviceHandler, ReentrancyGuard } from './device-handler.ts';
import { type DeviceMemory, LoadedDeviceContext, loadDevice } from './device-loader.ts';
import { DeviceLock } from './device-lock.ts';
import {
  bulkAccessSize,
  DeviceRoute,
  type LocalModule,
  ROUTE_FAILED,
  ROUTE_HOMED,
  ROUTE_LOCKED,
  ROUTE_NOT_LOADED,
  ROUTE_PARALLEL,
  ROUTE_UNKNOWN,
} from './device-route.ts';
import type { ReportDevice } from './failure-reports.ts';
import type { ReaderSession } from './reader-session.ts';

/** A thread that is itself a device host: its own devices are called, not asked. */
export interface DeviceHome {
  readonly host: number;
  handlerOf(device: number): DeviceHandler;
}

const NO_CALLBACKS: AnyDeviceCallbacks = { read: () => 0, write: () => {} };
const NO_RULES = fullAccessRules();

const parallel = ROUTE_PARALLEL; // local names for the hot path

export class DeviceTable implements DeviceCalls {
  result: MemTxResult = MEMTX_OK;
  high = 0;
  /** Called when a device is unknown; it must attach() what has been posted. */
  onMissing: () => void = () => {};
  /** What devices that are called in this thread access memory by. */
  memory: DeviceMemory | null = null;
  private readonly words: SharedWords;
  private readonly session: ReaderSession;
  private readonly requester: MailboxRequester;
  private readonly lock: DeviceLock;
  private readonly report: ReportDevice;
  private readonly home: DeviceHome | null;
  private readonly unknown: DeviceRoute;
  private readonly routes: DeviceRoute[] = [];
  private readonly guards = new Map<number, ReentrancyGuard>();

  constructor(
    words: SharedWords,
    session: ReaderSession,
    report: ReportDevice,
    home: DeviceHome | null = null,
  ) {
    this.words = words;
    this.session = session;
    this.requester = new MailboxRequester(words, session.reader.slot);
    this.lock = new DeviceLock(words, session);
    this.report = report;
    this.home = home;
    const common = { device: -1, regionName: '', rules: NO_RULES, guard: null };
    const handler = new DeviceHandler({ ...common, callbacks: NO_CALLBACKS }, session.reader.slot, report);
    this.unknown = new DeviceRoute({ route: ROUTE_UNKNOWN, handler, rules: NO_RULES });
  }

  /** Makes waits of this thread end, and has it look after others meanwhile. For the control thread. */
  beAttentive(wait: AttentiveWait): void {
    this.requester.attentive = wait;
    this.lock.patienceMs = wait.patienceMs;
  }

  /** Makes `device` known; a local one is loaded by loadAll() or at its first access. */
  attach(device: number, regionName: string, attached: AttachedDevice): void {
    while (this.routes.length <= device) this.routes.push(this.unknown);
    this.routes[device] = this.routeOf(device, regionName, attached);
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

  read(device: number, offset: number, size: number, attrs: MemTxAttrs): number {
    const route = device < this.routes.length ? this.routes[device]! : this.unknown;
    if (route.route !== parallel || size === 8) return this.readOtherwise(device, offset, size, attrs);
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
    if (route.route !== parallel) this.writeOtherwise(device, offset, size, valueLo, valueHi, attrs);
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

  private readOtherwise(device: number, offset: number, size: number, attrs: MemTxAttrs): number {
    const route = this.resolve(device);
    if (route.route === ROUTE_HOMED) {
      return this.askHost(route, device, offset, readAccess(size), 0, 0, attrs);
    }
    const { handler } = route;
    let value = 0;
    if (this.enter(route, offset, size, false)) {
      value = handler.read(offset, size, attrs);
      this.leave(route);
    }
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
    const route = this.resolve(device);
    if (route.route === ROUTE_HOMED) {
      this.askHost(route, device, offset, writeAccess(size), valueLo, valueHi, attrs);
      return;
    }
    const { handler } = route;
    if (this.enter(route, offset, size, true)) {
      handler.write(offset, size, valueLo, valueHi, attrs);
      this.leave(route);
    }
    this.result = handler.result;
  }

  /** Before a call of callbacks in this thread; false, with the failure recorded, if they cannot be called. */
  private enter(
    { route, handler, problem }: DeviceRoute,
    offset: number,
    size: number,
    isWrite: boolean,
  ): boolean {
    if (route === ROUTE_FAILED) {
      handler.fail(offset, size, isWrite, 'its module does not load', problem);
      return false;
    }
    if (route !== ROUTE_LOCKED || this.lock.acquire()) return true;
    handler.fail(offset, size, isWrite, 'a vCPU holds the device lock and does not release it', null);
    return false;
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
    handler.deny(
      offset,
      accessSize(access),
      accessIsWrite(access),
      `${inside} may not wait for the thread where it is homed`,
    );
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
    const loaded = this.tryLoad(route.local);
    this.routes[device] = loaded;
    return loaded;
  }

  private tryLoad(local: LocalModule): DeviceRoute {
    try {
      return this.load(local);
    } catch (error) {
      const handler = this.handlerOf(local.device, local.regionName, local.attached, NO_CALLBACKS);
      const { rules } = local.attached;
      return new DeviceRoute({ route: ROUTE_FAILED, handler, rules, local, problem: error });
    }
  }

  private load(local: LocalModule): DeviceRoute {
    const { device, regionName, attached } = local;
    const context = new LoadedDeviceContext(attached, regionName, {
      words: this.words,
      vcpu: this.session.reader.slot,
      memory: this.memory,
    });
    const handler = this.handlerOf(device, regionName, attached, loadDevice(attached, context));
    const route = attached.lock === 'none' ? ROUTE_PARALLEL : ROUTE_LOCKED;
    return new DeviceRoute({ route, handler, rules: attached.rules, local });
  }

  private routeOf(device: number, regionName: string, attached: AttachedDevice): DeviceRoute {
    const { rules } = attached;
    if (attached.placement === 'homed' && attached.host === this.home?.host) {
      return new DeviceRoute({ route: ROUTE_PARALLEL, handler: this.home.handlerOf(device), rules });
    }
    const handler = this.handlerOf(device, regionName, attached, NO_CALLBACKS);
    return attached.placement === 'homed'
      ? new DeviceRoute({ route: ROUTE_HOMED, handler, rules, host: attached.host })
      : new DeviceRoute({
          ...{ route: ROUTE_NOT_LOADED, handler, rules },
          local: { device, regionName, attached },
        });
  }

  private handlerOf(
    device: number,
    regionName: string,
    { rules, guard }: AttachedDevice,
    callbacks: AnyDeviceCallbacks,
  ): DeviceHandler {
    const handled = { device, regionName, callbacks, rules, guard: guardOf(this.guards, guard) };
    return new DeviceHandler(handled, this.session.reader.slot, this.report);
  }
}

/** The guard that the devices of one owner share in this thread. */
export function guardOf(guards: Map<number, ReentrancyGuard>, number: number): ReentrancyGuard | null {
  if (number === NO_GUARD) return null;
  const known = guards.get(number) ?? new ReentrancyGuard();
  guards.set(number, known);
  return known;
}
