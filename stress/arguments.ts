/** The arguments of the stress and the soak command. */
import { numberIn, parsed, seedOf, UsageError, wholeIn } from './usage.ts';

export interface StressArguments {
  /** Empty: all. */
  readonly scenarios: readonly string[];
  /** Null: each scenario's own. */
  readonly seconds: number | null;
  /** Seconds for all scenarios together; null: as long as each takes. */
  readonly budget: number | null;
  readonly vcpus: number;
  readonly seed: number;
  /** This run's part of the scenarios: the `index`-th of `count`, from 1. */
  readonly shard: { readonly index: number; readonly count: number };
  /** A mutant's name, `all`, or null. */
  readonly mutant: string | null;
  readonly listMutants: boolean;
  /** Directory for what is kept of failures. */
  readonly failures: string;
  /** A file of those, to run again. */
  readonly replay: string | null;
  /** Documents of shards to join; null: none. */
  readonly merge: readonly string[] | null;
  readonly json: boolean;
}

const VCPUS_DEFAULT = 3;
const VCPUS_MAX = 32;
const SECONDS_MAX = 86_400;
const FAILURES_DEFAULT = 'stress-failures';

/** What both commands take. */
export const commonOptions = {
  scenario: { type: 'string', multiple: true },
  seconds: { type: 'string' },
  vcpus: { type: 'string' },
  seed: { type: 'string' },
  mutant: { type: 'string' },
  failures: { type: 'string' },
  json: { type: 'boolean' },
} as const;

const options = {
  ...commonOptions,
  budget: { type: 'string' },
  shard: { type: 'string' },
  replay: { type: 'string' },
  merge: { type: 'string', multiple: true },
  'list-mutants': { type: 'boolean' },
} as const;

/** What decides a run, and is therefore in the file that is replayed, or in the documents that are merged. */
const DECIDED = ['scenario', 'seconds', 'budget', 'vcpus', 'seed', 'shard', 'mutant'] as const;

/** @throws UsageError */
export function parseStressArguments(args: readonly string[]): StressArguments {
  const { values, positionals } = parsed({ args: [...args], allowPositionals: true, options });
  for (const mode of ['replay', 'merge'] as const) {
    const both = values[mode] === undefined ? undefined : DECIDED.find((key) => values[key] !== undefined);
    if (both !== undefined) throw new UsageError(`--${mode}: leave out --${both}, the files say that`);
  }
  if (values.seconds !== undefined && values.budget !== undefined)
    throw new UsageError('--budget divides the time over the scenarios; leave out --seconds');
  const merge = values.merge === undefined ? null : [...values.merge, ...positionals];
  return {
    scenarios: merge === null ? namesOf(values.scenario, positionals) : [],
    seconds: values.seconds === undefined ? null : secondsOf('--seconds', values.seconds),
    budget: values.budget === undefined ? null : secondsOf('--budget', values.budget),
    vcpus: vcpusOf(values.vcpus) ?? VCPUS_DEFAULT,
    seed: seedOf(values.seed),
    shard: shardOf(values.shard ?? '1/1'),
    mutant: values.mutant ?? null,
    listMutants: values['list-mutants'] ?? false,
    failures: values.failures ?? FAILURES_DEFAULT,
    replay: values.replay ?? null,
    merge,
    json: values.json ?? false,
  };
}

export interface SoakArguments {
  readonly scenarios: readonly string[];
  /** How long rounds begin. */
  readonly totalSeconds: number;
  /** Of each scenario in each round; null: its own. */
  readonly seconds: number | null;
  /** Null: another number in each round. */
  readonly vcpus: number | null;
  /** Of the first round; each round has the next. */
  readonly seed: number;
  readonly mutant: string | null;
  readonly failures: string;
  /** File for a line a round; null: one in `failures`. */
  readonly log: string | null;
  readonly keepGoing: boolean;
  readonly json: boolean;
}

const soakOptions = {
  ...commonOptions,
  hours: { type: 'string' },
  minutes: { type: 'string' },
  log: { type: 'string' },
  'keep-going': { type: 'boolean' },
} as const;

/** @throws UsageError */
export function parseSoakArguments(args: readonly string[]): SoakArguments {
  const { values, positionals } = parsed({ args: [...args], allowPositionals: true, options: soakOptions });
  const { hours, minutes } = values;
  if (hours !== undefined && minutes !== undefined)
    throw new UsageError('give --hours or --minutes, not both');
  return {
    scenarios: namesOf(values.scenario, positionals),
    totalSeconds:
      minutes === undefined
        ? 3600 * numberIn('--hours', hours ?? '1', 0.001, 1000)
        : 60 * numberIn('--minutes', minutes, 0.01, 60_000),
    seconds: values.seconds === undefined ? null : secondsOf('--seconds', values.seconds),
    vcpus: vcpusOf(values.vcpus),
    seed: seedOf(values.seed),
    mutant: values.mutant ?? null,
    failures: values.failures ?? FAILURES_DEFAULT,
    log: values.log ?? null,
    keepGoing: values['keep-going'] ?? false,
    json: values.json ?? false,
  };
}

/** `--scenario a b` is `--scenario a --scenario b`. */
function namesOf(named: readonly string[] | undefined, positionals: readonly string[]): string[] {
  if (positionals.length > 0 && named === undefined) {
    throw new UsageError(`'${positionals[0]}' is no option; give --scenario ${positionals[0]}`);
  }
  return [...(named ?? []), ...positionals];
}

const secondsOf = (option: string, text: string): number => numberIn(option, text, 0.1, SECONDS_MAX);
const vcpusOf = (text: string | undefined): number | null =>
  text === undefined ? null : wholeIn('--vcpus', text, 1, VCPUS_MAX);

function shardOf(text: string): { index: number; count: number } {
  const [index, count] = /^\d{1,4}\/\d{1,4}$/.test(text) ? text.split('/').map(Number) : [];
  if (index !== undefined && count !== undefined && index >= 1 && index <= count) return { index, count };
  throw new UsageError(`--shard ${text}: give i/n, such as 1/4, with i from 1 to n`);
}
