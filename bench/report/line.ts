/** A line of the report: what a row measured, with where it was measured. */
import { cpus } from 'node:os';
import { printProgress } from '../../src/cli/output.ts';
import type { Measured, Row } from '../support/measure.ts';
import type { Compared } from './comparison.ts';

/** Times are ns an operation; p25 to p99 are those of the samples. */
export interface Line extends Measured {
  readonly name: string;
  readonly unit: typeof UNIT;
  readonly node: string;
  readonly cpu: string;
  /** Only with --compare; null if the earlier run has no such row. */
  readonly compared?: Compared | null;
}

export const UNIT = 'ns/op';
const node = process.version;
const cpu = cpus()[0]?.model.trim() ?? 'unknown';

/** The machine as the heads of tables and plots name it. */
export const machineName = `${cpu}, ${cpus().length} cores, Node.js ${node}`;

/** Measures the rows, one at a time. */
export async function measureLines(rows: readonly Row[]): Promise<Line[]> {
  const lines: Line[] = [];
  for (const row of rows) {
    printProgress(row.name);
    lines.push(lineFrom(row.name, await row.measure()));
  }
  return lines;
}

const rounded = (value: number): number => (Number.isInteger(value) ? value : Number(value.toPrecision(4)));

export function lineFrom(name: string, { samples, threads, figures, ...times }: Measured): Line {
  const { median, p99, best, p25, p75 } = times;
  return {
    name,
    unit: UNIT,
    median: rounded(median),
    p99: rounded(p99),
    best: rounded(best),
    p25: rounded(p25),
    p75: rounded(p75),
    samples,
    threads,
    node,
    cpu,
    ...(figures === undefined ? {} : { figures: mapValues(figures, rounded) }),
  };
}

const mapValues = (
  record: Readonly<Record<string, number>>,
  change: (value: number) => number,
): Record<string, number> =>
  Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value)]));
