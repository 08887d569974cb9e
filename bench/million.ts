/**
 * One million publications while a vCPU reads: does anything grow? What an arena or a heap has after the
 * first thousand it must still have after the last, for the layout is then the same again.
 */
import { createHistogram } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { churnedMix } from './churn.ts';
import type { Measured, Row } from './support/measure.ts';
import { PacedVcpus } from './support/paced-vcpus.ts';
import { Pacer } from './support/pacer.ts';

/** After `publications`, with no reader behind and the garbage of both kinds collected. */
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

/** @param markAt counts of publications, rising; the run ends with the last. Even ones, so that the layout is the same. */
export async function publishMany(markAt: readonly number[]): Promise<LongRun> {
  const collectGarbage = garbageCollector();
  const { plan, move } = churnedMix();
  const vcpus = await PacedVcpus.start(plan);
  const commits = createHistogram();
  const marks: Mark[] = [];
  let stopAt = 0;
  const pacer: Pacer = new Pacer(Number.POSITIVE_INFINITY, () => {
    if (pacer.calls === stopAt) return false;
    const start = performance.now();
    if (!move()) return false;
    commits.record(Math.max(1, Math.round((performance.now() - start) * 1e6)));
    return true;
  });
  try {
    for (const publications of markAt) {
      stopAt = publications;
      while (pacer.calls < stopAt) await vcpus.turn(pacer);
      await vcpus.machine.synchronize();
      collectGarbage();
      const { highWaterBytes, liveBytes } = vcpus.machine.gauges;
      const heapUsedBytes = process.memoryUsage().heapUsed;
      marks.push({
        publications,
        arenaHighWaterBytes: highWaterBytes,
        arenaLiveBytes: liveBytes,
        heapUsedBytes,
      });
    }
    return { marks, publicationsPerSecond: pacer.perSecond, commits };
  } finally {
    await vcpus.close();
  }
}

function garbageCollector(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}

async function measureMillion(): Promise<Measured> {
  const { marks, publicationsPerSecond, commits } = await publishMany([1000, 1_000_000]);
  const figures = { publicationsPerSecond: Math.round(publicationsPerSecond) };
  for (const { publications, ...bytes } of marks)
    for (const [name, value] of Object.entries(bytes))
      Object.assign(figures, { [`${name}After${publications}`]: value });
  return {
    best: commits.min,
    p25: commits.percentile(25),
    median: commits.percentile(50),
    p75: commits.percentile(75),
    p99: commits.percentile(99),
    samples: commits.count,
    threads: 2,
    figures,
  };
}

export const millionRows: readonly Row[] = [
  { name: 'churn/million', onlyByName: true, measure: measureMillion },
];
