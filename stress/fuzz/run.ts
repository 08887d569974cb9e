/**
 * Fuzzing for hours: the properties of stress/fuzz, which the suite tries in hundreds of cases, in millions.
 * `npm run fuzz -- --help`.
 *
 * Each target runs in a process of its own with a bounded heap, so that a case which hangs, exhausts memory or ends
 * the process is told from one that fails. A batch of cases has the seed after that of the batch before; what
 * is printed of a failure draws it again.
 */
import { fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { endAs } from '../end.ts';
import { print, progress } from '../report.ts';
import { jsonOption, numberIn, parsed, repeated, seedOf, UsageError, valued, wholeIn } from '../usage.ts';
import type { LaneNews } from './lane.ts';
import type { FuzzTarget } from './target.ts';
import { targets } from './targets.ts';

/** Where neither --cases nor --minutes says, and of what is not said where one does. */
const CASES_DEFAULT = 20_000;
const MINUTES_MAX = 10_000;
/** A batch takes seconds: one of which nothing is heard for so long hangs. */
const PATIENCE_MS = 120_000;
const LOOK_EVERY_MS = 500;
/** JavaScript's heap, in MiB; shared buffers are not in it. */
const HEAP_MIB = 1024;
/** All memory of a lane, shared buffers that were touched too. */
const RESIDENT_BYTES_MAX = 3 * 2 ** 30;

interface Outcome {
  readonly name: string;
  readonly property: string;
  readonly passed: boolean;
  readonly cases: number;
  readonly seconds: number;
  readonly detail: string;
}

interface Bounds {
  readonly cases: number;
  readonly milliseconds: number;
  readonly seed: number;
}

const usage = {
  command: 'npm run fuzz --',
  about: 'Tries properties in millions of drawn cases, each in a process of its own, one after the other.',
  options: {
    only: repeated('NAME', `one target; again for more: ${targets.map(({ name }) => name).join(', ')}`),
    cases: valued('N', `of each target; ${CASES_DEFAULT} where nothing is said`),
    minutes: valued('M', 'for all targets together'),
    seed: valued('K', 'of the first batch of cases; each batch has the next'),
    json: jsonOption,
  },
  exit: '0 every property held, 1 one did not, 2 bad usage',
} as const;

/** @throws UsageError */
function parseFuzzArguments(args: readonly string[]): {
  readonly chosen: readonly FuzzTarget[];
  readonly bounds: Bounds;
  readonly json: boolean;
} {
  const { only, cases, minutes, seed, json = false } = parsed(usage, args).values;
  const unknown = only?.find((name) => targets.every((target) => target.name !== name));
  if (unknown !== undefined)
    throw new UsageError(
      `there is no target '${unknown}'; there are: ${targets.map(({ name }) => name).join(', ')}`,
    );
  const casesAbsent = minutes === undefined ? CASES_DEFAULT : Number.MAX_SAFE_INTEGER;
  return {
    chosen: targets.filter(({ name }) => only?.includes(name) ?? true),
    bounds: {
      cases: cases === undefined ? casesAbsent : wholeIn('--cases', cases, 1, 1e12),
      milliseconds:
        minutes === undefined
          ? Number.MAX_SAFE_INTEGER
          : 60_000 * numberIn('--minutes', minutes, 0.01, MINUTES_MAX),
      seed: seedOf(seed),
    },
    json,
  };
}

/** Bytes of memory that a process has touched; 0 where the system does not say. */
function residentBytes(pid: number): number {
  try {
    return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

async function fuzz(target: FuzzTarget, { cases, milliseconds, seed }: Bounds): Promise<Outcome> {
  const startMs = performance.now();
  const lane = fork(
    fileURLToPath(new URL('./lane.ts', import.meta.url)),
    [target.name, String(seed), String(cases), String(milliseconds)],
    { execArgv: ['--import', 'tsx', `--max-old-space-size=${HEAP_MIB}`], stdio: ['ignore', 2, 2, 'ipc'] },
  );
  let news: LaneNews = { kind: 'batch', seed, cases: 0, done: 0 };
  let silentMs = 0; // by our own looks: a computer that was asleep is no lane that hangs
  let killedFor: string | null = null;
  lane.on('message', (message) => {
    news = message as LaneNews;
    silentMs = 0;
  });
  const watch = setInterval(() => {
    silentMs += LOOK_EVERY_MS;
    if (silentMs > PATIENCE_MS) killedFor = `nothing was heard for ${PATIENCE_MS} ms: a case hangs`;
    else if (residentBytes(lane.pid!) > RESIDENT_BYTES_MAX) killedFor = 'a case takes too much memory';
    if (killedFor !== null) lane.kill('SIGKILL');
  }, LOOK_EVERY_MS);
  const exit = await new Promise<string>((resolve) => {
    lane.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
  });
  clearInterval(watch);
  const seconds = Math.round(performance.now() - startMs) / 1000;
  const last = news as LaneNews;
  const { name, property } = target;
  const outcome = { name, property, passed: last.kind === 'held', cases: last.done, seconds };
  if (last.kind === 'held') return { ...outcome, detail: '' };
  if (last.kind === 'failed') return { ...outcome, detail: last.report };
  const detail =
    `${killedFor ?? `the process ended by itself (${exit})`}\n` +
    `again: npm run fuzz -- --only ${name} --seed ${last.seed} --cases ${last.cases}`;
  return { ...outcome, detail };
}

await endAs('fuzz', async () => {
  const { chosen, bounds, json } = parseFuzzArguments(process.argv.slice(2));
  const outcomes: Outcome[] = [];
  // One after the other: what a target needs of memory and time is its own.
  const share = { ...bounds, milliseconds: bounds.milliseconds / chosen.length };
  for (const target of chosen) {
    progress(`${target.name}: ${target.property}`);
    const outcome = await fuzz(target, share);
    outcomes.push(outcome);
    const { name, passed, cases, seconds, detail } = outcome;
    const line = `${passed ? 'held  ' : 'FAILED'}  ${name}  ${cases} cases in ${seconds} s\n`;
    if (!json) process.stdout.write(`${line}${detail === '' ? '' : `${detail}\n`}`);
  }
  if (json) print({ seed: bounds.seed, targets: outcomes });
  return outcomes.every(({ passed }) => passed) ? 0 : 1;
});
