/**
 * What answers for an I/O region. The model only carries it; publish/ tells vCPU workers of it, and
 * vcpu/ calls it.
 *
 *   placement   callbacks run in                 for
 *   local       every vCPU worker                registers that many vCPUs hit; state in shared memory
 *   homed       one thread, through a mailbox    devices with private state, timers, or that remap memory
 */
import { type AccessRules, type FullAccessRules, fullAccessRules } from './access-rules.ts';
import { describeValue, functionFromArgument, invalidArgument, optionsFromArgument } from './arguments.ts';
import { MemoryError } from './errors.ts';
import type { GuestMemory } from './guest-memory.ts';
import type { MemTxAttrs } from './mem-tx-attrs.ts';
import type { MemTxFailure, MemTxResult } from './mem-tx-result.ts';

/** What every device may have beside its read and write callbacks. */
interface OptionalCallbacks {
  /** Decides on each access before any other rule; false is MEMTX_DECODE_ERROR. Must have no side effect. */
  accepts?(offset: number, size: number, isWrite: boolean, attrs: MemTxAttrs): boolean;
  /** Accesses of 8 bytes; needed where the access rules say `impl: { max: 8 }`, and only called there. */
  read64?(offset: number, attrs: MemTxAttrs): bigint | MemTxFailure;
  /** @param value unsigned, below 2^64 */
  // biome-ignore lint/suspicious/noConfusingVoidType: a method that returns nothing has this type
  write64?(offset: number, value: bigint, attrs: MemTxAttrs): MemTxResult | void;
}

/**
 * Callbacks of a device. Sizes are those that the binding's access rules implement: up to 4 by default, so
 * that a 64-bit access is two calls, at ascending addresses. They are called as methods, `this` being the object. A
 * thread may keep the functions that it found there first: one put in their place later need not be called.
 */
export interface DeviceCallbacks extends OptionalCallbacks {
  /** @param offset bytes from the start of the region. @param size 1, 2 or 4. The low `size` bytes count. */
  read(offset: number, size: number): number;
  /** @param value unsigned, below 2^(8 * size). */
  write(offset: number, value: number, size: number): void;
}

/** The same, for devices that look at who accesses them, or refuse single accesses. */
export interface DeviceCallbacksWithAttrs extends OptionalCallbacks {
  /** Returns the value, or `memTxFailure(…)`: the guest then reads 0. */
  readWithAttrs(offset: number, size: number, attrs: MemTxAttrs): number | MemTxFailure;
  /** Returns nothing or MEMTX_OK, or an OR of the other MEMTX_* bits. */
  // biome-ignore lint/suspicious/noConfusingVoidType: a method that returns nothing has this type
  writeWithAttrs(offset: number, value: number, size: number, attrs: MemTxAttrs): MemTxResult | void;
}

export type AnyDeviceCallbacks = DeviceCallbacks | DeviceCallbacksWithAttrs;

/** What a device module's factory is given in the thread where it is loaded. */
export interface DeviceContext {
  readonly regionName: string;
  /** Shared registers; the same buffer in every thread. */
  readonly state: SharedArrayBuffer;
  /** The binding's `data`, cloned into this thread. */
  readonly data: unknown;
  /** The vCPU whose access is being served; -1 outside an access. */
  readonly vcpu: number;
  /** Wakes `vcpu` from waitForInterrupt(), or makes its next one return at once. */
  interrupt(vcpu: number): void;
  /**
   * The device as bus master: an address space, by name, as this thread sees it. Ask for it anew in each
   * callback, timer or message; it reaches nothing once that has returned (docs/decisions/0011-*).
   * @throws MemoryError ADDRESS_SPACE_UNKNOWN
   */
  memory(addressSpaceName: string): GuestMemory;
}

/** What the factory of a hosted device is given. */
export interface HostedDeviceContext extends DeviceContext {
  /**
   * Has the control thread call the binding's `onAsk` with `message`, waits, and returns or throws what that
   * returned or threw: how a device in a worker changes the layout from inside an access. Both ways by clone.
   * @throws MemoryError INVALID_ARGUMENT where the binding has no `onAsk`
   */
  ask(message: unknown): unknown;
}

/** Control side of HostedDeviceContext.ask(); it may run transactions, and is synchronous. */
export type AskHandler = (message: unknown) => unknown;

/** The export that a device module must have under the binding's `exportName`. */
export type DeviceFactory = (context: DeviceContext) => AnyDeviceCallbacks;

/** Names a factory in a module that each thread loads for itself. */
export interface DeviceModule {
  /** URL of an ES module without top-level await; it is loaded synchronously, also in a busy vCPU. */
  readonly module: string;
  readonly exportName: string;
  readonly state: SharedArrayBuffer;
  readonly data: unknown;
  readonly rules: FullAccessRules;
}

const LOCKINGS = ['shared', 'own', 'none'] as const;

/**
 * How calls of a worker-local device exclude each other (docs/decisions/0019-device-locks.md):
 *
 *   shared   one lock over all such devices, as QEMU's big lock
 *   own      a lock of the device's own: what it accesses from inside must be under no other lock, nor homed
 *   none     not at all: calls of several vCPUs run in parallel
 */
export type DeviceLocking = (typeof LOCKINGS)[number];

export interface LocalDevice extends DeviceModule {
  readonly placement: 'local';
  readonly lock: DeviceLocking;
}

/** Served by the control thread: the callbacks stay where they are. */
export interface ControlDevice {
  readonly placement: 'control';
  readonly callbacks: AnyDeviceCallbacks;
  readonly rules: FullAccessRules;
}

/** Served by a device worker, named by the id that the machine gave to it. */
export interface HostedDevice extends DeviceModule {
  readonly placement: 'hosted';
  readonly host: number;
  /** Stays in the control thread; null where the device asks nothing. */
  readonly onAsk: AskHandler | null;
}

export type DeviceBinding = LocalDevice | ControlDevice | HostedDevice;

const NO_STATE = new SharedArrayBuffer(0);

/** What devices of all placements are made with. */
interface DeviceOptions {
  /** Sizes, alignment, byte order; by default any aligned access, in calls of up to 4 bytes, little-endian. */
  readonly access?: AccessRules;
}

interface ModuleOptions extends DeviceOptions {
  readonly exportName?: string;
  readonly state?: SharedArrayBuffer;
  readonly data?: unknown;
}

/**
 * A device whose module is loaded by every vCPU worker. `lock` is 'shared' by default.
 * @throws MemoryError INVALID_ARGUMENT for a lock that there is not; for access rules that contradict each other: so
 * for all placements
 */
export const localDevice = (
  module: URL | string,
  options: ModuleOptions & { lock?: DeviceLocking } = {},
): LocalDevice => ({
  placement: 'local',
  ...deviceModule(module, options),
  lock: lockingOf(options.lock ?? 'shared'),
});

/** A device whose callbacks run in the control thread. */
export const controlDevice = (callbacks: AnyDeviceCallbacks, options: DeviceOptions = {}): ControlDevice => ({
  placement: 'control',
  callbacks,
  rules: fullAccessRules(optionsFromArgument('a device', options).access),
});

/** A device whose module is loaded by device worker `host` only. */
export const hostedDevice = (
  host: number,
  module: URL | string,
  options: ModuleOptions & { onAsk?: AskHandler } = {},
): HostedDevice => ({
  placement: 'hosted',
  host,
  ...deviceModule(module, options),
  onAsk: options.onAsk === undefined ? null : functionFromArgument('a device', 'onAsk', options.onAsk),
});

function lockingOf(lock: DeviceLocking): DeviceLocking {
  if (LOCKINGS.includes(lock)) return lock;
  throw new MemoryError(
    'INVALID_ARGUMENT',
    `a device's lock is 'shared', 'own' or 'none', not ${describeValue(lock)}`,
  );
}

const deviceModule = (module: URL | string, options: ModuleOptions): DeviceModule => ({
  module: moduleFromArgument('a device', module),
  exportName: exportFromArgument('a device', optionsFromArgument('a device', options).exportName),
  state: options.state ?? NO_STATE,
  data: options.data ?? null,
  rules: fullAccessRules(options.access),
});

/** The URL of a module, as text; whether there is one is seen when it is loaded. */
export function moduleFromArgument(where: string, module: unknown): string {
  if (typeof module === 'string') return module;
  if (module instanceof URL) return module.href;
  throw invalidArgument(where, `module must be a URL or a string, got ${describeValue(module)}`);
}

/** The name of a module's export; `default` by default. */
export function exportFromArgument(where: string, name: unknown = 'default'): string {
  if (typeof name === 'string') return name;
  throw invalidArgument(where, `exportName must be a string, got ${describeValue(name)}`);
}
