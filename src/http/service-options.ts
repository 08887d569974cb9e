/** What a service is made with, and the bounds of each. Whoever asks for more gets a problem document. */
import { describeValue } from '../base/arguments.ts';
import { MemoryError } from '../base/errors.ts';
import { VCPU_COUNT_MAX } from '../layout/control-block.ts';
import { RECORD_COUNT } from './access-ring.ts';

export interface ServiceLimits {
  /** Machines at a time. */
  readonly machines: number;
  /** vCPUs of one machine: those that serve accesses and those that make load. */
  readonly vcpus: number;
  /** Accesses of one request. */
  readonly batch: number;
  /** Mutations of one transaction. */
  readonly mutations: number;
  /** Bytes of a request's body. */
  readonly bodyBytes: number;
  /** Bytes of RAM that the regions of one machine may have. */
  readonly ramBytes: number;
  /** Requests a second of one client address; 0: as many as it likes. */
  readonly requestsPerSecond: number;
  /** The same of requests that are dear: to make a machine, change it, or print it as a whole. */
  readonly dearRequestsPerSecond: number;
  /** Event streams at a time. */
  readonly streams: number;
  /** Connections at a time; more are closed at once. */
  readonly connections: number;
  /** Milliseconds that a client may take to send a whole request. */
  readonly requestMs: number;
  /** Milliseconds that requests in hand have to end once the service is closing. */
  readonly drainMs: number;
}

export interface ServiceOptions extends Partial<ServiceLimits> {
  /** What requests must carry as `Authorization: Bearer`. Without one the service listens on loopback only. */
  readonly token?: string;
  /** `silent` by default; the lines are JSON. */
  readonly logLevel?: 'debug' | 'info' | 'warn' | 'error' | 'silent';
  /** Where they go; standard error by default. */
  readonly logTo?: { write(line: string): void };
  /** Fills reclaimed memory of machines with poison: for tests. */
  readonly checked?: boolean;
}

const DEFAULTS: ServiceLimits = {
  machines: 8,
  vcpus: 16,
  batch: 4096,
  mutations: 1024,
  bodyBytes: 2 * 2 ** 20,
  ramBytes: 16 * 2 ** 30,
  requestsPerSecond: 100_000,
  dearRequestsPerSecond: 500,
  streams: 64,
  connections: 1024,
  requestMs: 10_000,
  drainMs: 5000,
};

const BOUNDS: Readonly<Record<keyof ServiceLimits, readonly [min: number, max: number]>> = {
  machines: [1, 1024],
  vcpus: [1, VCPU_COUNT_MAX],
  batch: [1, RECORD_COUNT / 4],
  mutations: [1, 100_000],
  bodyBytes: [1024, 2 ** 30],
  ramBytes: [4096, 2 ** 40],
  requestsPerSecond: [0, 10_000_000],
  dearRequestsPerSecond: [0, 10_000_000],
  streams: [1, 10_000],
  connections: [1, 100_000],
  requestMs: [100, 600_000],
  drainMs: [0, 600_000],
};

/** @throws MemoryError INVALID_ARGUMENT for a limit out of its bounds */
export function limitsFrom(options: Partial<ServiceLimits>): ServiceLimits {
  const limits: Record<keyof ServiceLimits, number> = { ...DEFAULTS };
  for (const name of Object.keys(DEFAULTS) as (keyof ServiceLimits)[]) {
    const value = options[name] ?? DEFAULTS[name];
    const [min, max] = BOUNDS[name];
    if (!(Number.isInteger(value) && value >= min && value <= max)) {
      throw new MemoryError(
        'INVALID_ARGUMENT',
        `service option ${name} must be a whole number from ${min} to ${max}, got ${describeValue(value)}`,
      );
    }
    limits[name] = value;
  }
  return limits;
}
