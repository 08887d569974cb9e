/**
 * One million publications while a vCPU reads: does anything grow? What an arena or a heap has after the
 * first thousand it must still have after the last, for the layout is then the same again. A grace period is
 * awaited after every 64th: a reader whose thread the host lets wait holds up at most so many, and the arena's
 * high-water mark has a bound. Below it the mark may rise late, with the first time that the reader lags so far.
 */
import { createHistogram } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { assert } from '../src/base/assert.ts';
import { churnedMix } from './churn.ts';
import type { Measured, Row } from './support/measure.ts';
import { PacedVcpus } from './support/paced-vcpus.ts';

/** After `publications`, with no reader behind and JavaScript's garbage collected. */
export interface Mark {
  readonly publications: number;
  readonly arenaHighWaterBytes: number;
  readonly arenaLiveBytes: number;
  readonly heapUsedBytes: number;
}

export interface LongRun {
  readonly marks: readonly Mark[];
  readonly publicationsPerSecond: number;
  /** ns from the mutator to the published map. */
  readonly commits: ReturnType<typeof createHistogram>;
}

const GRACE_EVERY = 64;

/** @param markAt counts of publications, rising and even, so that the layout is the same; the run ends with the last */
export async function publishMany(markAt: readonly number[]): Promise<LongRun> {
  const collectGarbage = garbageCollector();
  const { plan, move } = churnedMix();
  const vcpus = await PacedVcpus.start(plan);
  const { machine } = vcpus;
  const commits = createHistogram();
  const marks: Mark[] = [];
  const publish = async (): Promise<void> => {
    const start = performance.now();
    const published = move();
    assert(published, '64 publications stay far below the garbage bound');
    commits.record(Math.max(1, Math.round((performance.now() - start) * 1e6)));
    if (commits.count % GRACE_EVERY === 0) await machine.synchronize();
  };
  try {
    await vcpus.turn(); // from here on the reader is there
    const start = performance.now();
    for (const publications of markAt) {
      const reading = readUntil(vcpus, () => commits.count >= publications);
      while (commits.count < publications) await publish();
      await reading;
      await machine.synchronize();
      collectGarbage();
      marks.push({ publications, ...markOf(machine.gauges) });
    }
    const publicationsPerSecond = (1000 * commits.count) / (performance.now() - start);
    return { marks, publicationsPerSecond, commits };
  } finally {
    await vcpus.close();
  }
}

async function readUntil(vcpus: PacedVcpus, isOver: () => boolean): Promise<void> {
  while (!isOver()) await vcpus.turn();
}

const markOf = ({
  highWaterBytes,
  liveBytes,
}: PacedVcpus['machine']['gauges']): Omit<Mark, 'publications'> => ({
  arenaHighWaterBytes: highWaterBytes,
  arenaLiveBytes: liveBytes,
  heapUsedBytes: process.memoryUsage().heapUsed,
});

/** Without a flag on the command line, which `npm run bench` does not give. */
function garbageCollector(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}

async function measureMillion(): Promise<Measured> {
  const { marks, publicationsPerSecond, commits } = await publishMany([1000, 10_000, 100_000, 1_000_000]);
  const bytes = marks.flatMap(({ publications, ...mark }) =>
    Object.entries(mark).map(([name, value]) => [`after${publications}${capitalized(name)}`, value] as const),
  );
  return {
    best: commits.min,
    p25: commits.percentile(25),
    median: commits.percentile(50),
    p75: commits.percentile(75),
    p99: commits.percentile(99),
    samples: commits.count,
    threads: 2,
    figures: { publicationsPerSecond: Math.round(publicationsPerSecond), ...Object.fromEntries(bytes) },
  };
}

const capitalized = (name: string): string => name[0]!.toUpperCase() + name.slice(1);

export const millionRows: readonly Row[] = [
  { name: 'churn/million', onlyByName: true, measure: measureMillion },
];
