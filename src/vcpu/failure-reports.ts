/**
 * Tells the machine of accesses that failed in a device: the first REPORTS_IN_FULL of a device each, then at
 * every power of two with the count so far, so that a device that always fails does not flood anybody.
 */
import { types } from 'node:util';
import { isError, postedFromError } from '../base/posted-error.ts';

/** An access that failed in the device, not in the guest. */
export interface DeviceReport {
  /** -1 where it was the translator of an IOMMU; `offset` is then the address within its region. */
  readonly device: number;
  readonly regionName: string;
  /** The vCPU whose access it was; a number past the last vCPU's is a device host's own, or the control thread's. */
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

export class FailureReports {
  vcpu: number;
  private readonly device: number;
  private readonly regionName: string;
  private readonly report: ReportDevice;
  private count = 0;

  constructor(
    of: { readonly device: number; readonly regionName: string },
    vcpu: number,
    report: ReportDevice,
  ) {
    this.device = of.device;
    this.regionName = of.regionName;
    this.vcpu = vcpu;
    this.report = report;
  }

  add(offset: number, size: number, isWrite: boolean, problem: string, cause: unknown): void {
    this.count += 1;
    if (types.isPromise(cause)) ignoreRejection(cause);
    const { device, regionName, vcpu, count } = this;
    if (count > REPORTS_IN_FULL && (count & (count - 1)) !== 0) return;
    const said = isError(cause) ? postedFromError(cause) : null;
    const report: DeviceReport = {
      ...{ device, regionName, vcpu, offset, size, isWrite, count },
      problem: said === null ? problem : `${problem}: ${said.message}`,
      stack: said?.stack ?? null,
    };
    try {
      this.report(report);
    } catch (error) {
      // What the machine's listener throws must not come out of a guest's access: it reaches the process.
      queueMicrotask(() => {
        throw error;
      });
    }
  }
}

/** An abandoned promise that rejects would end the whole thread; its own catch() may be anything. */
export function ignoreRejection(promise: Promise<unknown>): void {
  try {
    Promise.prototype.then.call(promise, undefined, () => {});
  } catch {} // a promise whose constructor throws is nobody's to wait for
}

/** What is wrong with a callback's answer. */
export function problemOf(answer: unknown): string {
  if (types.isPromise(answer)) return 'a promise; handlers are synchronous';
  if (typeof answer === 'number') return `${answer}; integers only`;
  if (typeof answer === 'bigint') return 'a bigint; only accesses of 8 bytes are answered with one';
  if (typeof answer === 'string') return `the string '${answer.slice(0, 40)}'; integers only`;
  return `${answer === null ? 'null' : typeof answer}; integers only`;
}
