/**
 * The main job: a captured machine under load, first quiet, then with layouts published under it, and a
 * report of how fast it was and whether every access was answered as was due.
 * Guarantee: no thread is left when it returns or throws; a run that is cut short reports what it has.
 */
import { cpus } from 'node:os';
import type { Layout } from '../qemu/layout-file.ts';
import type { ChurnRate } from './churn-driver.ts';
import type { LatencySummary } from './latencies.ts';
import { LiveRun, type Verification } from './live-run.ts';
import { prepareWorkload, type Workload } from './workload.ts';

export interface RunOptions {
  /** As the report names it. */
  readonly machine: string;
  readonly vcpus: number;
  /** Of each of the two phases. */
  readonly seconds: number;
  readonly churn: ChurnRate;
  readonly seed: number;
  /** Cuts the run short. */
  readonly signal: AbortSignal;
  /** Modules of the vCPUs' program and of the probe devices; tests give some that break the rules. */
  readonly program?: URL;
  readonly probeModule?: URL;
  /** Called when the vCPUs run; tests do something forbidden there. */
  readonly onStart?: (run: LiveRun, workload: Workload) => void;
}

export type Phase = 'start' | 'quiet' | 'churn';

/** How it goes, several times a second. */
export interface RunProgress {
  readonly phase: Phase;
  readonly secondsLeft: number;
  readonly perVcpu: readonly number[];
  readonly publicationsPerSecond: number;
  readonly violations: number;
}

interface Rates {
  readonly accessesPerSecond: number;
  readonly perVcpu: readonly number[];
}

export interface RunReport {
  readonly machine: string;
  readonly vcpus: number;
  readonly seconds: number;
  readonly seed: number;
  readonly node: string;
  readonly cpu: string;
  readonly interrupted: boolean;
  readonly layout: {
    readonly name: string;
    readonly regions: number;
    readonly addressSpaces: number;
    readonly ramBytes: number;
    /** Layouts that the churn walks through, over and over. */
    readonly states: number;
    readonly changes: readonly { readonly kind: string; readonly region: string }[];
  };
  readonly quiet: Rates;
  readonly churn: Rates & {
    readonly rate: ChurnRate;
    readonly publications: number;
    readonly publicationsPerSecond: number;
    readonly ratioToQuiet: number;
    /** How often a publication had to wait for a vCPU to let go of old layouts. */
    readonly backPressure: number;
    /** How often a vCPU held a grace period up for more than 100 ms. */
    readonly stalls: number;
  };
  readonly commit: LatencySummary;
  readonly gracePeriod: LatencySummary;
  readonly arena: {
    readonly liveBytes: number;
    readonly retiredBytes: number;
    readonly highWaterBytes: number;
  };
  readonly verification: Verification;
}

interface Measured {
  readonly seconds: number;
  readonly accesses: readonly number[];
  readonly publications: number;
}

const WARM_UP_MS = 300;
const SAMPLE_MS = 250;
const NOTHING: Measured = { seconds: 0, accesses: [], publications: 0 };

/** @throws MemoryError for a layout that cannot be run; what a vCPU throws */
export async function runPhases(
  layout: Layout,
  options: RunOptions,
  observe: (progress: RunProgress) => void,
): Promise<RunReport> {
  const workload = prepareWorkload(layout, options);
  const run = new LiveRun(workload, options);
  try {
    options.onStart?.(run, workload);
    const meter = new Meter(run, options, observe);
    if (!options.signal.aborted) await run.warmUp(WARM_UP_MS);
    const quiet = await meter.measure('quiet', null);
    const { churn } = options;
    const churned = churn === 'off' ? NOTHING : await meter.measure('churn', churn);
    const { liveBytes, retiredBytes, highWaterBytes } = run.gauges;
    await run.finish();
    return {
      ...heading(layout, workload, options),
      quiet: ratesOf(quiet, options.vcpus),
      churn: {
        ...ratesOf(churned, options.vcpus),
        rate: churn,
        publications: churned.publications,
        publicationsPerSecond: perSecond(churned.publications, churned.seconds),
        ratioToQuiet: ratio(churned, quiet),
        backPressure: run.driver.backPressure,
        stalls: run.stalls,
      },
      commit: run.driver.commits.summary(),
      gracePeriod: run.driver.gracePeriods.summary(),
      arena: { liveBytes, retiredBytes, highWaterBytes },
      verification: run.verification(),
    };
  } finally {
    await run.close();
  }
}

/** Measures a phase from both ends, and shows the way in between. */
class Meter {
  private readonly run: LiveRun;
  private readonly options: RunOptions;
  private readonly observe: (progress: RunProgress) => void;

  constructor(run: LiveRun, options: RunOptions, observe: (progress: RunProgress) => void) {
    this.run = run;
    this.options = options;
    this.observe = observe;
  }

  async measure(phase: Phase, rate: number | 'max' | null): Promise<Measured> {
    const { run, options } = this;
    const { seconds, signal } = options;
    if (signal.aborted) return NOTHING;
    const begin = this.reading();
    const driven = rate === null ? Promise.resolve() : run.driver.run(rate, seconds);
    driven.catch(() => {}); // awaited below; a vCPU that fails first must not leave it unheard
    let before = begin;
    for (let now = begin; now.ms - begin.ms < seconds * 1000 && !signal.aborted; now = this.reading()) {
      if (now !== begin)
        this.observe(this.progress(phase, before, now, seconds - (now.ms - begin.ms) / 1000));
      before = now;
      await run.wait(Math.max(1, Math.min(SAMPLE_MS, seconds * 1000 - (now.ms - begin.ms))));
    }
    const end = this.reading();
    if (signal.aborted) run.driver.stop();
    await driven;
    return {
      seconds: (end.ms - begin.ms) / 1000,
      accesses: end.accesses.map((count, vcpu) => count - begin.accesses[vcpu]!),
      publications: end.publications - begin.publications,
    };
  }

  private reading(): {
    readonly ms: number;
    readonly accesses: readonly number[];
    readonly publications: number;
  } {
    const { publications } = this.run.gauges;
    return { ms: performance.now(), accesses: this.run.accesses(), publications };
  }

  private progress(
    phase: Phase,
    before: ReturnType<Meter['reading']>,
    now: ReturnType<Meter['reading']>,
    secondsLeft: number,
  ): RunProgress {
    const seconds = (now.ms - before.ms) / 1000;
    return {
      phase,
      secondsLeft: Math.max(0, secondsLeft),
      perVcpu: now.accesses.map((count, vcpu) => perSecond(count - before.accesses[vcpu]!, seconds)),
      publicationsPerSecond: perSecond(now.publications - before.publications, seconds),
      violations: this.run.violations,
    };
  }
}

function heading(
  layout: Layout,
  workload: Workload,
  options: RunOptions,
): Pick<RunReport, 'machine' | 'vcpus' | 'seconds' | 'seed' | 'node' | 'cpu' | 'interrupted' | 'layout'> {
  const { machine, vcpus, seconds, seed, signal } = options;
  const records = [...layout.records.values()];
  const { plan } = workload;
  return {
    machine,
    vcpus,
    seconds,
    seed,
    node: process.version,
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    interrupted: signal.aborted,
    layout: {
      name: layout.name,
      regions: records.length,
      addressSpaces: layout.addressSpaces.length,
      ramBytes: Number(records.reduce((sum, { kind, size }) => (kind === 'ram' ? sum + size : sum), 0n)),
      states: plan.stateCount,
      changes: plan.changes.map(({ kind, region }) => ({ kind, region: region.name })),
    },
  };
}

const perSecond = (count: number, seconds: number): number =>
  seconds === 0 ? 0 : Math.round(count / seconds);

function ratesOf({ accesses, seconds }: Measured, vcpus: number): Rates {
  const perVcpu = Array.from({ length: vcpus }, (_, vcpu) => perSecond(accesses[vcpu] ?? 0, seconds));
  return { accessesPerSecond: perVcpu.reduce((sum, rate) => sum + rate, 0), perVcpu };
}

function ratio(churned: Measured, quiet: Measured): number {
  const rate = ({ accesses, seconds }: Measured): number =>
    seconds === 0 ? 0 : accesses.reduce((sum, count) => sum + count, 0) / seconds;
  return rate(quiet) === 0 ? 0 : Math.round((1000 * rate(churned)) / rate(quiet)) / 1000;
}
