/** The document of a run, as the contract has it, and how the documents of shards become one. */
import { readFileSync } from 'node:fs';
import type { Verdict } from './scenario.ts';
import { UsageError } from './usage.ts';

/** Sums over verdicts. */
export interface Totals {
  readonly operations: number;
  readonly publications: number;
  readonly faults: number;
  readonly violations: number;
}

export interface RunDocument {
  readonly seed: number;
  readonly vcpus: number;
  readonly mutant: string | null;
  readonly scenarios: readonly Verdict[];
  readonly totals: Totals;
}

export function totalsOf(verdicts: Iterable<Totals>): Totals {
  const totals = { operations: 0, publications: 0, faults: 0, violations: 0 };
  for (const verdict of verdicts) for (const key of FIGURES) totals[key] += verdict[key];
  return totals;
}

export const documentOf = (
  { seed, vcpus, mutant }: Pick<RunDocument, 'seed' | 'vcpus' | 'mutant'>,
  scenarios: readonly Verdict[],
): RunDocument => ({ seed, vcpus, mutant, scenarios, totals: totalsOf(scenarios) });

/**
 * One document of those that shards of one run wrote: the same seed, vCPUs and mutant, each scenario in one of them.
 * @throws UsageError
 */
export function mergeFiles(paths: readonly string[]): RunDocument {
  const [first, ...others] = paths.map((path) => ({ path, document: readDocument(path) }));
  if (first === undefined) throw new UsageError('--merge: give the files that runs with --json wrote');
  for (const { path, document } of others)
    for (const key of ['seed', 'vcpus', 'mutant'] as const)
      if (document[key] !== first.document[key])
        throw new UsageError(
          `--merge: ${path} is of another run than ${first.path}: ${key} ${document[key]}, not ${first.document[key]}`,
        );
  const fileByScenario = new Map<string, string>();
  const scenarios: Verdict[] = [];
  for (const { path, document } of [first, ...others])
    for (const verdict of document.scenarios) {
      const known = fileByScenario.get(verdict.name);
      if (known !== undefined)
        throw new UsageError(
          `--merge: scenario '${verdict.name}' is in ${known} and in ${path}; merge shards of one run`,
        );
      fileByScenario.set(verdict.name, path);
      scenarios.push(verdict);
    }
  return documentOf(first.document, scenarios);
}

function readDocument(path: string): RunDocument {
  const refuse = (what: string): never => {
    throw new UsageError(`--merge ${path}: ${what}`);
  };
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    refuse((error as Error).message.replace(/\s*\n\s*/g, ' '));
  }
  const { seed, vcpus, mutant, scenarios } = (value ?? {}) as Partial<RunDocument>;
  const isRun =
    Number.isInteger(seed) &&
    Number.isInteger(vcpus) &&
    (mutant === null || typeof mutant === 'string') &&
    Array.isArray(scenarios) &&
    scenarios.every(isVerdict);
  return isRun ? (value as RunDocument) : refuse('not the document of a run; give what --json printed');
}

const FIGURES = ['operations', 'publications', 'faults', 'violations'] as const;

function isVerdict(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const verdict = value as Partial<Verdict>;
  return (
    typeof verdict.name === 'string' &&
    typeof verdict.passed === 'boolean' &&
    typeof verdict.detail === 'string' &&
    FIGURES.every((key) => Number.isSafeInteger(verdict[key]) && verdict[key]! >= 0)
  );
}
