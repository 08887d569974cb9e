/** The arguments of the stress and the soak command. */
import {
  flag,
  jsonOption,
  numberIn,
  parsed,
  repeated,
  seedOf,
  UsageError,
  valued,
  wholeIn,
} from './usage.ts';

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
const commonOptions = {
  scenario: repeated('NAME...', 'these scenarios instead of all'),
  seconds: valued('S', 'of each scenario, instead of as long as each takes'),
  vcpus: valued('N', `vCPUs, up to ${VCPUS_MAX}`),
  seed: valued('K', 'fixes layouts and decisions; how threads interleave, no seed can fix'),
  mutant: valued('NAME', 'breaks the code on purpose; the scenario that must convict it runs, and must fail'),
  failures: valued('DIR', `where failures are kept: ./${FAILURES_DEFAULT}`),
  json: jsonOption,
} as const;

const stressUsage = {
  command: 'npm run -s stress --',
  words: '',
  about:
    'Properties under fire: real vCPU threads on a real machine in checked mode, and what breaks it on purpose.\n' +
    'Scenarios run one after the other. A failure is printed, and kept as a file.',
  options: {
    budget: valued('S', 'seconds for all scenarios: each has a share by its own length'),
    shard: valued('I/N', 'the I-th of N parts of the scenarios'),
    replay: valued('FILE', 'runs again what this file of a failure says'),
    merge: repeated('FILE...', 'joins the documents of shards into one'),
    'list-mutants': flag('what --mutant takes; besides, `all`: each in a process of its own'),
    ...commonOptions,
  },
  exit: '0 all properties held, 1 one was violated, 2 bad usage',
} as const;

/** What decides a run, and is therefore in the file that is replayed, or in the documents that are merged. */
const DECIDED = ['scenario', 'seconds', 'budget', 'vcpus', 'seed', 'shard', 'mutant'] as const;

/** @throws UsageError */
export function parseStressArguments(args: readonly string[]): StressArguments {
  const { values, positionals } = parsed(stressUsage, args);
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

const soakUsage = {
  command: 'npm run soak --',
  words: '',
  about:
    'The properties under fire for hours: rounds over all scenarios, each with another seed and another number of\n' +
    'vCPUs, faults on, until the time is up, a property is violated, or SIGINT or SIGTERM comes.',
  options: {
    hours: valued('H', 'how long rounds begin; 1 where nothing is said'),
    minutes: valued('M', 'the same in minutes'),
    log: valued('FILE', 'where a line of JSON for each round goes'),
    'keep-going': flag('goes on after a violation'),
    ...commonOptions,
  },
  exit: '0 all properties held, 1 one was violated, 2 bad usage',
} as const;

/** @throws UsageError */
export function parseSoakArguments(args: readonly string[]): SoakArguments {
  const { values, positionals } = parsed(soakUsage, args);
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
