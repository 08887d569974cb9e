/**
 * Takes samples of one cost by mitata, and puts them into the unit of the rows: nanoseconds an operation.
 * A sample is one call of the function measured. It does `operations` of them, enough to make mitata's two
 * clock readings (about 100 ns) nothing beside them, or it times itself and returns nanoseconds.
 */
import { measure } from 'mitata';

export interface Measured {
  /** All in ns an operation; `best` is the smallest sample, half of all lie from p25 to p75. */
  readonly best: number;
  readonly p25: number;
  readonly median: number;
  readonly p75: number;
  readonly p99: number;
  readonly samples: number;
  /** Threads that were at work for it; a control thread that only waits is none. */
  readonly threads: number;
  /** What else was seen; names end in the unit, those that do not are ratios. */
  readonly figures?: Readonly<Record<string, number>>;
}

/** One line of the report; `measure` sets up, takes the samples and leaves nothing behind. */
export interface Row {
  readonly name: string;
  /** Takes minutes or gigabytes: measured only where it is asked for by its whole name. */
  readonly onlyByName?: true;
  measure(): Promise<Measured>;
}

interface Plan {
  /** Operations in one call. */
  readonly operations: number;
  readonly threads?: number;
  /** Milliseconds that the samples take together, or a little more. */
  readonly budgetMs?: number;
  /** However long they take; 16 by default. */
  readonly samplesMin?: number;
}

const BUDGET_MS = 800;
const WARM_UP_MS = 100;
const SAMPLES_MIN = 16; // above 12 mitata drops the two best and the two worst

interface Stats {
  readonly min: number;
  readonly p25: number;
  readonly p50: number;
  readonly p75: number;
  readonly p99: number;
  readonly samples: readonly number[];
}

const optionsFor = (plan: Plan) => ({
  gc: false, // without --expose-gc mitata would allocate a gigabyte to provoke a collection
  batch_threshold: 0, // never: a call does many operations itself
  min_samples: plan.samplesMin ?? SAMPLES_MIN,
  min_cpu_time: (plan.budgetMs ?? BUDGET_MS) * 1e6,
});

const measuredFrom = (stats: Stats, { operations, threads = 1 }: Plan): Measured => ({
  best: stats.min / operations,
  p25: stats.p25 / operations,
  median: stats.p50 / operations,
  p75: stats.p75 / operations,
  p99: stats.p99 / operations,
  samples: stats.samples.length,
  threads,
});

/** Measures a synchronous `call` in this thread, after a warm-up. */
export async function measureCalls(call: () => unknown, plan: Plan): Promise<Measured> {
  for (const end = performance.now() + WARM_UP_MS; performance.now() < end; ) call();
  return measuredFrom(await measure(() => void call(), optionsFor(plan)), plan);
}

/** Measures an asynchronous `call` from its start until its promise is resolved. */
export async function measureAwaited(call: () => Promise<unknown>, plan: Plan): Promise<Measured> {
  for (const end = performance.now() + WARM_UP_MS; performance.now() < end; ) await call();
  return measuredFrom(await measure(async () => void (await call()), optionsFor(plan)), plan);
}

/** Takes what `call` resolves to, in ns, for its samples: it was timed where the work was done. */
export async function measureReported(call: () => Promise<number>, plan: Plan): Promise<Measured> {
  for (const end = performance.now() + WARM_UP_MS; performance.now() < end; ) await call();
  const manual = function* () {
    yield { manual: call } as never; // mitata's types lack its manual mode
  };
  return measuredFrom(await measure(manual, optionsFor(plan)), plan);
}
