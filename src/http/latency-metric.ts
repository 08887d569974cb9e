/**
 * A Prometheus histogram of times that costs next to nothing where they are observed, which is once a commit and more:
 * docs/decisions/0031-times-are-counted-without-prom-client.md.
 */
import type { Metric, MetricValueWithName } from 'prom-client';

/** Seconds; from what a commit of one region takes to what somebody should look at. */
export const BOUNDS_SECONDS = [
  1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2, 0.1, 0.5, 1, 5,
];

/** As a registry prints it. */
interface Printed {
  readonly name: string;
  readonly help: string;
  readonly type: 'histogram';
  readonly values: readonly MetricValueWithName<'le'>[];
}

export class LatencyMetric {
  readonly name: string;
  private readonly help: string;
  /** Observations up to each bound and past the one before; in the last, those past all. */
  private readonly counts = new Array<number>(BOUNDS_SECONDS.length + 1).fill(0);
  private sumSeconds = 0;

  constructor(name: string, help: string) {
    this.name = name;
    this.help = help;
  }

  observe(milliseconds: number): void {
    const seconds = milliseconds / 1000;
    let bucket = 0;
    while (bucket < BOUNDS_SECONDS.length && seconds > BOUNDS_SECONDS[bucket]!) bucket += 1;
    this.counts[bucket]! += 1;
    this.sumSeconds += seconds;
  }

  /** For the registry, when somebody asks. */
  async get(): Promise<Printed> {
    const { name, help, counts, sumSeconds } = this;
    let count = 0;
    const values: MetricValueWithName<'le'>[] = counts.map((observed, bucket) => {
      count += observed;
      return { metricName: `${name}_bucket`, labels: { le: BOUNDS_SECONDS[bucket] ?? '+Inf' }, value: count };
    });
    values.push({ metricName: `${name}_sum`, labels: {}, value: sumSeconds });
    values.push({ metricName: `${name}_count`, labels: {}, value: count });
    return { name, help, type: 'histogram', values };
  }

  /** A registry asks no more of a metric than its name and get(). */
  get registered(): Metric {
    return this as unknown as Metric;
  }
}
