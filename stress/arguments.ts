/** The stress command's arguments: parsed, and refused in one line that says what to do. */
import { parseArgs } from 'node:util';

export interface StressArguments {
  /** Empty: all. */
  readonly scenarios: readonly string[];
  /** Null: each scenario's own. */
  readonly seconds: number | null;
  readonly vcpus: number;
  readonly seed: number;
  /** This run's part of the scenarios: the `index`-th of `count`, from 1. */
  readonly shard: { readonly index: number; readonly count: number };
  /** A mutant's name, `all`, or null. */
  readonly mutant: string | null;
  readonly listMutants: boolean;
  readonly json: boolean;
}

/** Bad usage; its message is the line. */
export class UsageError extends Error {}

const VCPUS_DEFAULT = 3;
const VCPUS_MAX = 32;
const SECONDS_MAX = 86_400;

/** @throws UsageError */
export function parseStressArguments(args: readonly string[]): StressArguments {
  const { values, positionals } = parsed(args);
  // `--scenario a b` is `--scenario a --scenario b`.
  if (positionals.length > 0 && values.scenario === undefined) {
    throw new UsageError(`'${positionals[0]}' is no option; give --scenario ${positionals[0]}`);
  }
  return {
    scenarios: [...(values.scenario ?? []), ...positionals],
    seconds: values.seconds === undefined ? null : numberIn('--seconds', values.seconds, 0.1, SECONDS_MAX),
    vcpus: wholeIn('--vcpus', values.vcpus ?? String(VCPUS_DEFAULT), 1, VCPUS_MAX),
    seed: wholeIn('--seed', values.seed ?? '1', 0, 2 ** 31 - 1),
    shard: shardOf(values.shard ?? '1/1'),
    mutant: values.mutant ?? null,
    listMutants: values['list-mutants'] ?? false,
    json: values.json ?? false,
  };
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        scenario: { type: 'string', multiple: true },
        seconds: { type: 'string' },
        vcpus: { type: 'string' },
        seed: { type: 'string' },
        shard: { type: 'string' },
        mutant: { type: 'string' },
        'list-mutants': { type: 'boolean' },
        json: { type: 'boolean' },
      },
    });
  } catch (error) {
    throw new UsageError((error as Error).message.replace(/\s*\n\s*/g, ' '));
  }
}

function numberIn(option: string, text: string, min: number, max: number): number {
  const value = /^\d{1,9}(?:\.\d{1,9})?$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new UsageError(`${option} ${text}: give a number from ${min} to ${max}`);
}

function wholeIn(option: string, text: string, min: number, max: number): number {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new UsageError(`${option} ${text}: give a whole number from ${min} to ${max}`);
}

function shardOf(text: string): { index: number; count: number } {
  const [index, count] = /^\d{1,4}\/\d{1,4}$/.test(text) ? text.split('/').map(Number) : [];
  if (index !== undefined && count !== undefined && index >= 1 && index <= count) return { index, count };
  throw new UsageError(`--shard ${text}: give i/n, such as 1/4, with i from 1 to n`);
}
