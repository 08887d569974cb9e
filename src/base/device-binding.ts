/**
 * What answers for an I/O region. The model only carries it; publish/ tells vCPU workers of it, and
 * vcpu/ calls it.
 *
 *   placement   callbacks run in                 for
 *   local       every vCPU worker                registers that many vCPUs hit; state in shared memory
 *   homed       one thread, through a mailbox    devices with private state, timers, or that remap memory
 */

/** Callbacks of a device. A 64-bit access is two calls of 4 bytes, lower address first. */
export interface DeviceCallbacks {
  /** @param offset bytes from the start of the region. @param size 1, 2 or 4. The low `size` bytes count. */
  read(offset: number, size: number): number;
  /** @param value unsigned, below 2^(8 * size). */
  write(offset: number, value: number, size: number): void;
}

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
export type DeviceFactory = (context: DeviceContext) => DeviceCallbacks;

/** Names a factory in a module that each thread loads for itself. */
export interface DeviceModule {
  /** URL of an ES module without top-level await; it is loaded synchronously, also in a busy vCPU. */
  readonly module: string;
  readonly exportName: string;
  readonly state: SharedArrayBuffer;
  readonly data: unknown;
}

export interface LocalDevice extends DeviceModule {
  readonly placement: 'local';
  /** `shared`: one lock over all such devices, as QEMU's big lock. `none`: calls may run in parallel. */
  readonly lock: 'shared' | 'none';
}

/** Served by the control thread: the callbacks stay where they are. */
export interface ControlDevice {
  readonly placement: 'control';
  readonly callbacks: DeviceCallbacks;
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

/** A device whose module is loaded by every vCPU worker. */
export const localDevice = (
  module: URL | string,
  options: { exportName?: string; state?: SharedArrayBuffer; data?: unknown; lock?: 'shared' | 'none' } = {},
): LocalDevice => ({
  placement: 'local',
  module: String(module),
  exportName: options.exportName ?? 'default',
  state: options.state ?? NO_STATE,
  data: options.data ?? null,
  lock: options.lock ?? 'shared',
});

/** A device whose callbacks run in the control thread. */
export const controlDevice = (callbacks: DeviceCallbacks): ControlDevice => ({
  placement: 'control',
  callbacks,
});

/** A device whose module is loaded by device worker `host` only. */
export const hostedDevice = (
  host: number,
  module: URL | string,
  options: { exportName?: string; state?: SharedArrayBuffer; data?: unknown; onAsk?: AskHandler } = {},
): HostedDevice => ({
  placement: 'hosted',
  host,
  module: String(module),
  exportName: options.exportName ?? 'default',
  state: options.state ?? NO_STATE,
  data: options.data ?? null,
  onAsk: options.onAsk ?? null,
});
