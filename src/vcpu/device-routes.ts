/**
 * The routes of all devices that a thread knows, by device id. One thread's own.
 * Guarantee: resolve() gives a route that is loaded, or on which every access fails.
 */
import { assert } from '../base/assert.ts';
import type { AttachedDevice, Attachment } from '../layout/attachments.ts';
import type { DeviceHandler } from './device-handler.ts';
import { type DeviceRoute, ROUTE_NOT_LOADED, ROUTE_PARALLEL, ROUTE_UNKNOWN } from './device-route.ts';
import type { RouteLoader } from './route-loader.ts';
import { WriteShortcuts } from './write-shortcuts.ts';

const notLoaded = ROUTE_NOT_LOADED; // local names for the hot path

export class DeviceRoutes {
  /** By device: what an access calls where there is nothing to look at before; `detour` where there is something. */
  readonly direct: DeviceHandler[] = [];
  readonly detour: DeviceHandler;
  /** Called when a device is unknown; it must attach() what has been posted. */
  onMissing: () => void = () => {};
  private readonly loader: RouteLoader;
  private readonly routes: DeviceRoute[] = [];
  private readonly unknown: DeviceRoute;

  constructor(loader: RouteLoader) {
    this.loader = loader;
    this.unknown = loader.unknown();
    this.detour = this.unknown.handler;
  }

  /** Makes `device` known; a local one is loaded by loadAll() or at its first access. */
  attach(device: number, regionName: string, attached: AttachedDevice): void {
    while (this.routes.length <= device) this.set(this.routes.length, this.unknown);
    this.set(device, this.loader.routeOf(device, regionName, attached));
  }

  /** Takes in what changed in the doorbells or the coalescing of a device that is attached. */
  attachShortcuts(attached: Extract<Attachment, { kind: 'eventfds' | 'coalesced' }>): WriteShortcuts | null {
    const route = this.routes[attached.device];
    assert(route !== undefined, `device ${attached.device} was posted before what it is accessed by`);
    const shortcuts = WriteShortcuts.with(route.shortcuts, attached);
    this.set(attached.device, route.withShortcuts(shortcuts));
    return shortcuts;
  }

  /**
   * Loads every local device that is known.
   * @throws MemoryError DEVICE_MODULE_INVALID for the first that does not load
   */
  loadAll(): void {
    for (let device = 0; device < this.routes.length; device += 1) {
      const { route, local, shortcuts } = this.routes[device]!;
      if (route === ROUTE_NOT_LOADED && local !== null)
        this.set(device, this.loader.load(local).withShortcuts(shortcuts));
    }
  }

  /** The route of a device, loaded; one that was not known yet is taken in. */
  resolve(device: number): DeviceRoute {
    const known = device < this.routes.length ? this.routes[device]! : this.unknown;
    return known.route < notLoaded ? known : this.resolveSlowly(device, known);
  }

  private resolveSlowly(device: number, known: DeviceRoute): DeviceRoute {
    if (known.route === ROUTE_UNKNOWN) this.onMissing();
    const route = device < this.routes.length ? this.routes[device]! : this.unknown;
    assert(route.route !== ROUTE_UNKNOWN, `device ${device} was posted before its section was published`);
    if (route.route !== ROUTE_NOT_LOADED || route.local === null) return route;
    const loaded = this.loader.tryLoad(route.local).withShortcuts(route.shortcuts);
    this.set(device, loaded);
    return loaded;
  }

  private set(device: number, route: DeviceRoute): void {
    this.routes[device] = route;
    const isDirect = route.route === ROUTE_PARALLEL && route.handler.isPlain;
    this.direct[device] = isDirect ? route.handler : this.detour;
  }
}
