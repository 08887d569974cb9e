/** Measures what the plots show, and writes them. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { MemoryError } from '../../src/base/errors.ts';
import { printProgress } from '../../src/cli/output.ts';
import { accessPlans } from '../access.ts';
import { measureChurned } from '../churn.ts';
import { commitsAmong, measureCommits } from '../commit.ts';
import { manyLookups, measureLookups } from '../lookup.ts';
import { mmioPlans } from '../mmio.ts';
import { measureRender } from '../render.ts';
import { machineName } from '../report/line.ts';
import { REGION_COUNTS } from '../support/many-bars.ts';
import type { Measured } from '../support/measure.ts';
import { measureThroughput, type PassPlan } from '../support/paced-vcpus.ts';
import { decades, doublings, places, steps } from './axis.ts';
import { type Chart, lineChart, type Series } from './line-chart.ts';

export const PLOTS_FOLDER = 'docs/plots';

const source = `Medians of npm run -s bench -- --plots on ${machineName}`;

/** Measured one after the other, so that nothing runs beside what is measured. */
async function seriesOf(
  name: string,
  xs: readonly number[],
  y: (x: number) => Promise<number>,
): Promise<Series> {
  const points: (readonly [number, number])[] = [];
  for (const x of xs) {
    printProgress(`${name}: ${x}`);
    points.push([x, await y(x)]);
  }
  return { name, points };
}

const median = async (measuring: Promise<Measured>): Promise<number> => (await measuring).median;

function timeText(ns: number): string {
  if (ns >= 1e6) return `${ns / 1e6} ms`;
  return ns >= 1e3 ? `${ns / 1e3} us` : `${ns} ns`;
}

async function costByRegions(counts: readonly number[]): Promise<Chart> {
  const series = [
    await seriesOf('one look-up', counts, (n) => median(measureLookups(manyLookups(n)))),
    await seriesOf('commit: a BAR moves', counts, (n) => median(measureCommits(commitsAmong(n), 'move'))),
    await seriesOf('commit: decoding off, on', counts, (n) =>
      median(measureCommits(commitsAmong(n), 'toggle')),
    ),
    await seriesOf('full render', counts, (n) => median(measureRender(n))),
  ];
  const values = series.flatMap(({ points }) => points.map(([, y]) => y));
  return {
    title: 'What an operation costs, by the number of regions',
    subtitle: 'Level lines do not grow with the machine; a full render, which a commit need not do, must',
    source,
    x: decades('regions that show', counts, (n) => n.toLocaleString('en')),
    y: decades('time an operation', values, timeText),
    series,
  };
}

/** @param rates publications a second; 0: the control thread only spins */
async function readersUnderChurn(rates: readonly number[]): Promise<Chart> {
  const names = ['none'];
  const shares = [1];
  for (const rate of rates) {
    printProgress(`readers under churn: ${rate}`);
    const { figures = {} } = await measureChurned(rate);
    names.push(rateName(rate, figures['publicationsPerSecond']!, figures['rateMissedBy'] !== undefined));
    shares.push(figures['throughputOfQuiet']!);
  }
  const highest = Math.ceil(Math.max(1.2, ...shares) * 5) / 5;
  return {
    title: 'Read throughput while layouts are published',
    subtitle: 'Against quiet passes of the same vCPU; busy: the control thread spins and publishes nothing',
    source,
    x: places('publications a second', names),
    y: steps('throughput, quiet = 1', highest, 0.2),
    series: [
      { name: 'one vCPU, the mix', points: shares.map((share, i) => [i, share]) },
      { name: 'target: 0.95', isGuide: true, points: names.map((_, i) => [i, 0.95]) },
    ],
  };
}

function rateName(asked: number, reached: number, isMissed: boolean): string {
  if (asked === 0) return 'none, busy';
  const text = reached.toLocaleString('en');
  if (!Number.isFinite(asked)) return `max: ${text}`;
  return isMissed ? `${text} of ${asked.toLocaleString('en')}` : asked.toLocaleString('en');
}

/** Passes long enough that all vCPUs are at work for nearly all of each: some 10 ms and more for one. */
const throughputPlans: readonly (readonly [name: string, plan: () => PassPlan, rounds: number])[] = [
  ['the mix', accessPlans['access/random-mix']!, 32],
  ['MMIO without a lock', mmioPlans['mmio/local']!, 128],
  ['MMIO, locked', mmioPlans['mmio/local-locked']!, 32],
];

async function throughputByVcpus(counts: readonly number[]): Promise<Chart> {
  const series: Series[] = [];
  for (const [name, plan, rounds] of throughputPlans) {
    const perMicrosecond = async (vcpus: number): Promise<number> =>
      1000 / (await median(measureThroughput({ ...plan(), vcpus, rounds })));
    series.push(await seriesOf(name, counts, perMicrosecond));
  }
  const cores = availableParallelism();
  const [[, alone]] = series[0]!.points as [[number, number]];
  const ideal = counts.map((n) => [n, alone * Math.min(n, cores)] as const);
  const all: Series[] = [...series, { name: 'the mix, ideal', isGuide: true, points: ideal }];
  return {
    title: 'Throughput of all vCPUs together',
    subtitle: `By wall time; more vCPUs than the ${cores} cores of this machine can only share them`,
    source,
    x: doublings('vCPUs', counts),
    y: decades(
      'million accesses a second',
      all.flatMap(({ points }) => points.map(([, y]) => y)),
      String,
    ),
    series: all,
  };
}

const charts: readonly (readonly [name: string, measure: () => Promise<Chart>])[] = [
  ['cost-by-regions.svg', () => costByRegions(REGION_COUNTS)],
  ['readers-under-churn.svg', () => readersUnderChurn([0, 100, 1000, 10_000, Number.POSITIVE_INFINITY])],
  ['throughput-by-vcpus.svg', () => throughputByVcpus([1, 2, 4, 8])],
];

/**
 * Measures and writes the plots whose names begin with `prefix`. @returns a line for each
 * @throws MemoryError INVALID_ARGUMENT if there are none, or the folder cannot be made
 */
export async function drawPlots(folder: string, prefix: string): Promise<string[]> {
  const chosen = charts.filter(([name]) => name.startsWith(prefix));
  if (chosen.length === 0) {
    const names = charts.map(([name]) => name).join(', ');
    throw new MemoryError(
      'INVALID_ARGUMENT',
      `--only '${prefix}' is the beginning of no plot; give one of ${names}`,
    );
  }
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw new MemoryError(
      'INVALID_ARGUMENT',
      `--plots ${folder}: cannot be made (${(error as NodeJS.ErrnoException).code}); give a folder that can be written`,
    );
  }
  const written: string[] = [];
  for (const [name, measure] of chosen) {
    const path = join(folder, name);
    writeFileSync(path, lineChart(await measure()));
    written.push(`wrote ${path}`);
  }
  return written;
}
