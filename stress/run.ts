/**
 * Properties under fire: real vCPU threads on a real machine in checked mode, and what breaks it on purpose.
 *
 *   npm run -s stress -- [--scenario NAME…] [--seconds S] [--vcpus N] [--seed K] [--shard i/n] [--json]
 *   npm run -s stress -- --mutant NAME     runs the scenario that must convict it: exit 1
 *   npm run -s stress -- --mutant all      every mutant in a process of its own: exit 1 if one gets away
 *   npm run -s stress -- --list-mutants [--json]
 *
 * Exit: 0 all properties held, 1 one was violated, 2 bad usage. Scenarios run one after the other. The seed
 * fixes layouts and decisions; how threads interleave, no seed can fix.
 */
import { parseStressArguments, type StressArguments, UsageError } from './arguments.ts';
import { type Conviction, convictAll } from './convict.ts';
import { type Mutant, mutants, tryBreak } from './mutants.ts';
import { runScenario } from './run-scenario.ts';
import type { Scenario, Verdict } from './scenario.ts';
import { scenarios } from './scenarios.ts';

/** How long a mutant's scenario may look for it where --seconds does not say; it ends when it has seen enough. */
const MUTANT_SECONDS = 20;
/** What may still be open after the last scenario gets this long before the process ends anyway. */
const LEFTOVERS_MS = 5000;

async function main(args: readonly string[]): Promise<number> {
  const given = parseStressArguments(args);
  if (given.listMutants) {
    list(given.json);
    return 0;
  }
  if (given.mutant === 'all') return runAllMutants(given);
  const mutant = given.mutant === null ? null : known('mutant', mutants, given.mutant);
  if (mutant !== null) tryBreak(mutant);
  const verdicts: Verdict[] = [];
  for (const scenario of chosen(given, mutant)) {
    progress(`${scenario.name}: ${scenario.property}`);
    const seconds = given.seconds ?? (mutant === null ? scenario.seconds : MUTANT_SECONDS);
    const options = { ...given, seconds, mutant: mutant?.name ?? null };
    const verdict = await runScenario(scenario, options);
    verdicts.push(verdict);
    if (!given.json) process.stdout.write(`${lineOf(verdict)}\n`);
  }
  const { seed, vcpus } = given;
  if (given.json) print({ seed, vcpus, mutant: mutant?.name ?? null, scenarios: verdicts });
  return verdicts.every(({ passed }) => passed) ? 0 : 1;
}

/** The scenarios of this run: those named, or the mutant's, or all; of them this shard's. */
function chosen({ scenarios: names, shard }: StressArguments, mutant: Mutant | null): readonly Scenario[] {
  const named = names.map((name) => known('scenario', scenarios, name));
  const byDefault = mutant === null ? scenarios : scenarios.filter(({ name }) => name === mutant.scenario);
  return (named.length > 0 ? named : byDefault).filter((_, index) => index % shard.count === shard.index - 1);
}

function known<T extends { readonly name: string }>(what: string, all: readonly T[], name: string): T {
  const found = all.find((candidate) => candidate.name === name);
  if (found !== undefined) return found;
  throw new UsageError(
    `there is no ${what} '${name}'; there are: ${all.map((each) => each.name).join(', ')}`,
  );
}

function list(json: boolean): void {
  if (json) print(mutants);
  else {
    for (const { name, scenario, breaks, walkOnly } of mutants) {
      process.stdout.write(`${name}  (${scenario}${walkOnly ? ', walk only' : ''})  ${breaks}\n`);
    }
  }
}

async function runAllMutants({ seed, vcpus, json }: StressArguments): Promise<number> {
  const convictions: Conviction[] = [];
  for await (const conviction of convictAll(mutants, ['--seed', String(seed), '--vcpus', String(vcpus)])) {
    convictions.push(conviction);
    const { mutant, scenario, convicted, seconds, seen } = conviction;
    const line = `${convicted ? 'convicted' : 'GOT AWAY '}  ${mutant}  by ${scenario} in ${seconds} s: ${seen}\n`;
    (json ? process.stderr : process.stdout).write(line);
  }
  if (json) print({ seed, vcpus, mutants: convictions });
  return convictions.every(({ convicted }) => convicted) ? 0 : 1;
}

const lineOf = ({ name, passed, operations, publications, violations, detail, seconds }: Verdict): string =>
  `${passed ? 'held    ' : 'VIOLATED'}  ${name}  ${operations} checked, ${publications} publications, ` +
  `${violations} violations in ${seconds} s\n          ${detail.replaceAll('\n', '\n          ')}`;

const progress = (line: string): void => void process.stderr.write(`${line}\n`);
const print = (document: unknown): void =>
  void process.stdout.write(`${JSON.stringify(document, null, 2)}\n`);

try {
  process.exitCode = await main(process.argv.slice(2));
  setTimeout(() => {
    progress('stress: threads or handles are left over');
    process.exit(process.exitCode === 0 ? 1 : process.exitCode);
  }, LEFTOVERS_MS).unref();
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  progress(`stress: ${error.message}`);
  process.exitCode = 2;
}
