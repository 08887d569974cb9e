/** What the stress command does, by its arguments. */
import type { StressArguments } from './arguments.ts';
import { documentOf, mergeFiles, type RunDocument } from './document.ts';
import type { Failure } from './failure.ts';
import { keptRun } from './kept-run.ts';
import { listMutants, runAllMutants } from './mutant-commands.ts';
import type { Mutant } from './mutants.ts';
import { mutantOf, scenarioOf, scenariosNamed } from './named.ts';
import { print, progress, verdictLine } from './report.ts';
import type { Scenario, Verdict } from './scenario.ts';
import { scenarios } from './scenarios.ts';
import { shareOf } from './time-shares.ts';

/** How long a mutant's scenario may look for it where --seconds does not say; it ends when it has seen enough. */
const MUTANT_SECONDS = 45;

/** @param recorded what --replay names. @returns the exit status. @throws UsageError */
export async function stress(given: StressArguments, recorded: Failure | null): Promise<number> {
  if (given.listMutants) return listMutants(given.json);
  if (given.merge !== null) return statusOf(report(mergeFiles(given.merge), given.json));
  if (recorded !== null) return replay(given, recorded);
  if (given.mutant === 'all') return runAllMutants(given);
  return run(given, mutantOf(given.mutant));
}

async function run(given: StressArguments, mutant: Mutant | null): Promise<number> {
  const { seed, vcpus, budget, failures, json } = given;
  const verdicts: Verdict[] = [];
  const all = chosen(given, mutant);
  const untilMs = budget === null ? null : performance.now() + 1000 * budget;
  for (const [index, scenario] of all.entries()) {
    progress(`${scenario.name}: ${scenario.property}`);
    const byItself = mutant === null ? scenario.seconds : MUTANT_SECONDS;
    const seconds =
      untilMs === null ? (given.seconds ?? byItself) : shareOf(untilMs - performance.now(), all.slice(index));
    const options = { seed, vcpus, seconds, mutant: mutant?.name ?? null };
    const { verdict } = await keptRun(scenario, options, failures);
    verdicts.push(verdict);
    if (!json) process.stdout.write(`${verdictLine(verdict)}\n`);
  }
  const document = documentOf({ seed, vcpus, mutant: mutant?.name ?? null }, verdicts);
  if (json) print(document);
  return statusOf(document);
}

/** Runs again what was recorded; how far its layouts are the same is told beside the verdict. */
async function replay({ failures, json }: StressArguments, recorded: Failure): Promise<number> {
  const { seed, vcpuCount: vcpus, seconds, steps } = recorded;
  const scenario = scenarioOf(recorded.scenario);
  const mutant = mutantOf(recorded.mutant)?.name ?? null;
  const options = { seed, vcpus, seconds, mutant, recorded: steps };
  const { verdict, comparison } = await keptRun(scenario, options, failures);
  const layouts = scenario.layoutsByGuests === true ? null : comparison;
  const again = { violationsRecorded: recorded.verdict.violations, layouts };
  const document = documentOf({ seed, vcpus, mutant }, [verdict]);
  if (json) print({ ...document, replay: again });
  else process.stdout.write(`${verdictLine(verdict)}\n`);
  const difference = layouts?.difference ?? null;
  if (difference !== null)
    progress(
      `replay: layout ${difference.number} differs\n  recorded: ${difference.recorded}\n  now:      ${difference.now}`,
    );
  else if (layouts === null) progress('replay: layouts are not compared, vCPUs decide them here');
  else progress(`replay: the first ${layouts.same} layouts are the same`);
  if (verdict.passed) progress('replay: it held this time; threads interleave otherwise in each run');
  return difference === null ? statusOf(document) : 1;
}

function report(document: RunDocument, json: boolean): RunDocument {
  if (json) print(document);
  else for (const verdict of document.scenarios) process.stdout.write(`${verdictLine(verdict)}\n`);
  return document;
}

const statusOf = ({ scenarios }: RunDocument): number => (scenarios.every(({ passed }) => passed) ? 0 : 1);

/** The scenarios of this run: those named, or the mutant's, or all; of them this shard's. */
function chosen({ scenarios: names, shard }: StressArguments, mutant: Mutant | null): readonly Scenario[] {
  const byDefault = mutant === null ? scenarios : scenarios.filter(({ name }) => name === mutant.scenario);
  const named = scenariosNamed(names);
  return (named.length > 0 ? named : byDefault).filter((_, index) => index % shard.count === shard.index - 1);
}
