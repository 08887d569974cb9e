/** Times of one kind of event, as the reports show them. */
import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';

/** Microseconds with one digit after the point, as reports and answers give times. */
export const microsFrom = (milliseconds: number): number => Math.round(milliseconds * 10_000) / 10;

/** In microseconds; all 0 if nothing was recorded. */
export interface LatencySummary {
  readonly p50Us: number;
  readonly p99Us: number;
  readonly maxUs: number;
}

export class Latencies {
  private readonly histogram: RecordableHistogram = createHistogram(); // of nanoseconds

  record(milliseconds: number): void {
    this.histogram.record(Math.max(1, Math.round(milliseconds * 1e6)));
  }

  get count(): number {
    return this.histogram.count;
  }

  summary(): LatencySummary {
    if (this.count === 0) return { p50Us: 0, p99Us: 0, maxUs: 0 };
    const { histogram } = this;
    const maxUs = microsFrom(histogram.max / 1e6);
    // A percentile is the upper end of its bucket, which may lie past the largest value of all.
    const percentile = (at: number): number => Math.min(maxUs, microsFrom(histogram.percentile(at) / 1e6));
    return { p50Us: percentile(50), p99Us: percentile(99), maxUs };
  }
}
