/** One device as a thread sees it: how an access reaches it, and what its rules are. */
import type { FullAccessRules } from '../base/access-rules.ts';
import type { AttachedDevice } from '../layout/attachments.ts';
import type { DeviceHandler } from './device-handler.ts';
import type { LoadedDeviceContext } from './device-loader.ts';
import type { DeviceLock } from './device-lock.ts';
import type { WriteShortcuts } from './write-shortcuts.ts';

/** Its callbacks are in this thread, and are called without a lock and without looking at anything before. */
export const ROUTE_PARALLEL = 0;
/** Likewise, but it has shortcuts. */
export const ROUTE_UNLOCKED = 1;
/** Its callbacks are in this thread, and are called under `lock`. */
export const ROUTE_LOCKED = 2;
/** In the thread of a device host. */
export const ROUTE_HOMED = 3;
export const ROUTE_NOT_LOADED = 4;
export const ROUTE_FAILED = 5;
export const ROUTE_UNKNOWN = 6;

export interface LocalModule {
  readonly device: number;
  readonly regionName: string;
  readonly attached: Extract<AttachedDevice, { placement: 'local' }>;
}

interface RouteParts {
  readonly route: number;
  readonly handler: DeviceHandler;
  readonly rules: FullAccessRules;
  readonly host?: number;
  readonly lock?: DeviceLock | null;
  readonly local?: LocalModule | null;
  readonly context?: LoadedDeviceContext | null;
  readonly problem?: unknown;
  readonly shortcuts?: WriteShortcuts | null;
}

/** One hidden class for all. */
export class DeviceRoute {
  readonly route: number;
  readonly handler: DeviceHandler;
  readonly rules: FullAccessRules;
  /** Of a homed device. */
  readonly host: number;
  /** Of a device that is called under one: the shared one, or its own. */
  readonly lock: DeviceLock | null;
  /** What to load at the first access; null for homed devices. */
  readonly local: LocalModule | null;
  /** Of a local device that is loaded. */
  readonly context: LoadedDeviceContext | null;
  /** Why accesses fail; null where they do not. */
  readonly problem: unknown;
  /** Writes that do not call the device at once; null where there are none. */
  readonly shortcuts: WriteShortcuts | null;

  constructor(parts: RouteParts) {
    this.route = parts.route;
    this.handler = parts.handler;
    this.rules = parts.rules;
    this.host = parts.host ?? -1;
    this.lock = parts.lock ?? null;
    this.local = parts.local ?? null;
    this.context = parts.context ?? null;
    this.problem = parts.problem ?? null;
    this.shortcuts = parts.shortcuts ?? null;
  }

  /** The same route, with these shortcuts instead of those before. */
  withShortcuts(shortcuts: WriteShortcuts | null): DeviceRoute {
    const isFree = this.route === ROUTE_PARALLEL || this.route === ROUTE_UNLOCKED;
    const route = !isFree ? this.route : shortcuts === null ? ROUTE_PARALLEL : ROUTE_UNLOCKED;
    return new DeviceRoute({ ...this, route, shortcuts });
  }
}

/** Largest access of a bulk copy where the device does not say what is valid. */
const BULK_MAX = 4;

/**
 * Bytes of the next access of a bulk copy: by the largest valid size and, unless the callbacks implement
 * others, aligned. Never more than is left, even where the device takes no less (Q7).
 * @source QEMU's behaviour: spec section 7.8
 */
export function bulkAccessSize(rules: FullAccessRules, offset: number, left: number): number {
  let size = 8;
  const limit = Math.min(left, rules.validMax || BULK_MAX);
  while (size > limit || (!rules.implUnaligned && offset % size !== 0)) size >>= 1;
  return size;
}
