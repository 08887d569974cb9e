/**
 * Fuzzing for hours: the properties of stress/fuzz, which the suite tries in hundreds of cases, in millions.
 *
 *   npm run fuzz -- [--only NAME…] [--cases N] [--minutes M] [--seed K] [--json]
 *
 * Each target runs in a process of its own with a bounded heap, so that a case which hangs, exhausts memory or ends
 * the process is told from one that fails. A batch of cases has the seed after that of the batch before; what
 * is printed of a failure draws it again. Exit: 0 every property held, 1 one did not, 2 bad usage.
 */
import { fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { LaneNews } from './lane.ts';
import type { FuzzTarget } from './target.ts';
import { targets } from './targets.ts';

/** Where neither --cases nor --minutes says, and of what is not said where one does. */
const CASES_DEFAULT = 20_000;
/** A batch takes seconds: one of which nothing is heard for so long hangs. */
const PATIENCE_MS = 120_000;
/** JavaScript's heap, in MiB; shared buffers are not in it. */
const HEAP_MIB = 1024;
/** All memory of a lane, shared buffers that were touched too. */
const RESIDENT_BYTES_MAX = 3 * 2 ** 30;
const LOOK_EVERY_MS = 500;

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

class UsageError extends Error {}

function numberOf(option: string, text: string | undefined, absent: number, max: number): number {
  if (text === undefined) return absent;
  const value = /^\d{1,12}(?:\.\d{1,3})?$/.test(text) ? Number(text) : Number.NaN;
  if (value <= max) return value;
  throw new UsageError(`${option} ${text}: give a number up to ${max}`);
}

function parsed(args: readonly string[]): { chosen: readonly FuzzTarget[]; bounds: Bounds; json: boolean } {
  const text = { type: 'string' } as const;
  const options = { only: { ...text, multiple: true }, cases: text, minutes: text, seed: text } as const;
  let values: ReturnType<typeof read>;
  const read = () =>
    parseArgs({ args: [...args], options: { ...options, json: { type: 'boolean' } } }).values;
  try {
    values = read();
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
  const unknown = values.only?.find((name) => targets.every((target) => target.name !== name));
  if (unknown !== undefined)
    throw new UsageError(
      `there is no target '${unknown}'; there are: ${targets.map(({ name }) => name).join(', ')}`,
    );
  const minutes = numberOf('--minutes', values.minutes, Number.POSITIVE_INFINITY, 10_000);
  const casesAbsent = values.minutes === undefined ? CASES_DEFAULT : Number.MAX_SAFE_INTEGER;
  return {
    chosen: targets.filter(({ name }) => values.only?.includes(name) ?? true),
    bounds: {
      cases: numberOf('--cases', values.cases, casesAbsent, 1e12),
      milliseconds: Math.min(minutes * 60_000, Number.MAX_SAFE_INTEGER),
      seed: numberOf('--seed', values.seed, 1, 2 ** 31 - 1),
    },
    json: values.json ?? false,
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
  let heardMs = performance.now();
  let killedFor: string | null = null;
  lane.on('message', (message) => {
    news = message as LaneNews;
    heardMs = performance.now();
  });
  const watch = setInterval(() => {
    if (performance.now() - heardMs > PATIENCE_MS)
      killedFor = `nothing was heard for ${PATIENCE_MS} ms: a case hangs`;
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

try {
  const { chosen, bounds, json } = parsed(process.argv.slice(2));
  const outcomes: Outcome[] = [];
  // One after the other: what a target needs of memory and time is its own.
  const share = { ...bounds, milliseconds: bounds.milliseconds / chosen.length };
  for (const target of chosen) {
    process.stderr.write(`${target.name}: ${target.property}\n`);
    const outcome = await fuzz(target, share);
    outcomes.push(outcome);
    const { name, passed, cases, seconds, detail } = outcome;
    const line = `${passed ? 'held  ' : 'FAILED'}  ${name}  ${cases} cases in ${seconds} s\n`;
    if (!json) process.stdout.write(`${line}${detail === '' ? '' : `${detail}\n`}`);
  }
  if (json) process.stdout.write(`${JSON.stringify({ seed: bounds.seed, targets: outcomes }, null, 2)}\n`);
  process.exitCode = outcomes.every(({ passed }) => passed) ? 0 : 1;
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  process.stderr.write(`fuzz: ${error.message}\n`);
  process.exitCode = 2;
}
