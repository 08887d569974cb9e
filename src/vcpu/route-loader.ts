/** Makes the routes of a thread's devices: loads worker-local modules, and gives each device its handler. */
import { fullAccessRules } from '../base/access-rules.ts';
import type { AnyDeviceCallbacks } from '../base/device-binding.ts';
import type { AttachedDevice, AttachedLock } from '../layout/attachments.ts';
import type { SharedWords } from '../layout/control-block.ts';
import { NO_CALLBACKS } from './callback-shapes.ts';
import { DeviceHandler, ReentrancyGuard } from './device-handler.ts';
import { type DeviceMemory, LoadedDeviceContext, loadDevice } from './device-loader.ts';
import type { DeviceLock, ThreadLocks } from './device-lock.ts';
import {
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

/** A thread that is itself a device host: its own devices are called, not asked. */
export interface DeviceHome {
  readonly host: number;
  handlerOf(device: number): DeviceHandler;
  /** Replays what other threads queued for its devices; those that are being accessed wait for the next time. */
  replayQueued(): void;
}

export class RouteLoader {
  /** What devices that are called in this thread access memory by; null before the first access. */
  memory: DeviceMemory | null = null;
  private readonly words: SharedWords;
  private readonly slot: number;
  private readonly report: ReportDevice;
  private readonly home: DeviceHome | null;
  private readonly locks: ThreadLocks;
  private readonly guards = new Map<number, ReentrancyGuard>();

  constructor(words: SharedWords, locks: ThreadLocks, report: ReportDevice, home: DeviceHome | null) {
    this.words = words;
    this.slot = locks.session.reader.slot;
    this.locks = locks;
    this.report = report;
    this.home = home;
  }

  /** The route of every device that nobody told this thread of. */
  unknown(): DeviceRoute {
    const rules = fullAccessRules();
    const handled = { device: -1, regionName: '', callbacks: NO_CALLBACKS, rules, guard: null };
    return new DeviceRoute({
      route: ROUTE_UNKNOWN,
      handler: new DeviceHandler(handled, this.slot, this.report),
      rules,
    });
  }

  routeOf(device: number, regionName: string, attached: AttachedDevice): DeviceRoute {
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

  /** @throws MemoryError DEVICE_MODULE_INVALID */
  load(local: LocalModule): DeviceRoute {
    const { device, regionName, attached } = local;
    const context = new LoadedDeviceContext(attached, regionName, {
      words: this.words,
      vcpu: this.slot,
      memory: this.memory,
    });
    const handler = this.handlerOf(device, regionName, attached, loadDevice(attached, context));
    const lock = this.lockOf(attached.lock);
    const route = lock === null ? ROUTE_PARALLEL : ROUTE_LOCKED;
    return new DeviceRoute({ route, handler, rules: attached.rules, lock, local, context });
  }

  /** Loads; a module that does not load gives a route on which every access fails. */
  tryLoad(local: LocalModule): DeviceRoute {
    try {
      return this.load(local);
    } catch (error) {
      const handler = this.handlerOf(local.device, local.regionName, local.attached, NO_CALLBACKS);
      const { rules } = local.attached;
      return new DeviceRoute({ route: ROUTE_FAILED, handler, rules, local, problem: error });
    }
  }

  private lockOf(lock: AttachedLock): DeviceLock | null {
    if (lock === 'none') return null;
    return lock === 'shared' ? this.locks.shared : this.locks.own(lock);
  }

  private handlerOf(
    device: number,
    regionName: string,
    { rules, guard }: AttachedDevice,
    callbacks: AnyDeviceCallbacks,
  ): DeviceHandler {
    const handled = { device, regionName, callbacks, rules, guard: guardOf(this.guards, guard) };
    return new DeviceHandler(handled, this.slot, this.report);
  }
}

/** The guard that the devices of one owner share in this thread. */
export function guardOf(guards: Map<number, ReentrancyGuard>, number: number | null): ReentrancyGuard | null {
  if (number === null) return null;
  const known = guards.get(number) ?? new ReentrancyGuard();
  guards.set(number, known);
  return known;
}
