/**
 * Calls one device's callbacks, in the thread where they live. All callbacks go through this one class,
 * so the call sites in front of it see one hidden class. The callbacks are called as methods: functions
 * lifted out of them cost 12 ns a call, for their target is never constant; a method call of one or two
 * shapes of device cost 2 to 7.
 * Guarantee: read() and write() never throw. A callback that throws, or answers with something that is
 * not an integer, gives MEMTX_ERROR and 0, and is reported: the first REPORTS_IN_FULL of a device each,
 * then at every power of two with the count so far.
 */
import type { DeviceCallbacks } from '../base/device-binding.ts';
import { MEMTX_ERROR, MEMTX_OK, type MemTxResult } from '../base/mem-tx-result.ts';

/** An access that failed in the device, not in the guest. */
export interface DeviceReport {
  readonly device: number;
  readonly regionName: string;
  /** The vCPU whose access it was. */
  readonly vcpu: number;
  /** Bytes from the start of the region. */
  readonly offset: number;
  readonly size: number;
  readonly isWrite: boolean;
  /** What went wrong, in a sentence. */
  readonly problem: string;
  readonly stack: string | null;
  /** Failures of this device in this thread so far, this one included. */
  readonly count: number;
}

export type ReportDevice = (report: DeviceReport) => void;

export const REPORTS_IN_FULL = 16;

/** Where a device's callbacks run; read-only for the thread that calls. */
export interface HandledDevice {
  readonly device: number;
  readonly regionName: string;
  readonly callbacks: DeviceCallbacks;
}

const ok = MEMTX_OK; // local names for the hot path: V8 does not fold imported bindings

export class DeviceHandler {
  /** MemTxResult of the last call. */
  result: MemTxResult = MEMTX_OK;
  /** The vCPU whose access is being served; in reports. */
  vcpu: number;
  private readonly device: number;
  private readonly regionName: string;
  private readonly callbacks: DeviceCallbacks;
  private readonly report: ReportDevice;
  private failures = 0;

  constructor(handled: HandledDevice, vcpu: number, report: ReportDevice) {
    this.device = handled.device;
    this.regionName = handled.regionName;
    this.callbacks = handled.callbacks;
    this.vcpu = vcpu;
    this.report = report;
  }

  /** The low `size` bytes of what the device answered: zero-extended, as int32 where `size` is 4. */
  read(offset: number, size: number): number {
    let value: unknown;
    try {
      value = this.callbacks.read(offset, size);
    } catch (error) {
      return this.fail(offset, size, false, 'its read handler threw', error);
    }
    if (typeof value !== 'number' || ((value | 0) !== value && !Number.isInteger(value))) {
      return this.fail(offset, size, false, `its read handler answered ${describe(value)}`, value);
    }
    this.result = ok;
    return size === 4 ? value | 0 : value & ((1 << (size << 3)) - 1);
  }

  /** @param value unsigned, below 2^(8 * size) */
  write(offset: number, value: number, size: number): void {
    let answer: unknown;
    try {
      answer = this.callbacks.write(offset, value, size);
    } catch (error) {
      this.fail(offset, size, true, 'its write handler threw', error);
      return;
    }
    this.result = ok;
    if (typeof answer === 'object' && answer instanceof Promise) {
      this.fail(offset, size, true, 'its write handler is asynchronous', answer);
    }
  }

  /** Records a failure that was found outside the callbacks, such as a module that does not load. */
  fail(offset: number, size: number, isWrite: boolean, problem: string, cause: unknown): number {
    this.result = MEMTX_ERROR;
    this.failures += 1;
    // An abandoned promise that rejects would end the whole thread.
    if (cause instanceof Promise) cause.catch(() => {});
    const count = this.failures;
    if (count <= REPORTS_IN_FULL || (count & (count - 1)) === 0) {
      const isError = cause instanceof Error;
      this.report({
        device: this.device,
        regionName: this.regionName,
        vcpu: this.vcpu,
        offset,
        size,
        isWrite,
        problem: isError ? `${problem}: ${cause.message}` : problem,
        stack: isError ? (cause.stack ?? null) : null,
        count,
      });
    }
    return 0;
  }
}

function describe(value: unknown): string {
  if (value instanceof Promise) return 'a promise; handlers are synchronous';
  if (typeof value === 'number') return `${value}; integers only`;
  if (typeof value === 'string') return `the string '${value.slice(0, 40)}'; integers only`;
  return `${value === null ? 'null' : typeof value}; integers only`;
}
