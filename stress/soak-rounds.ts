/** The rounds of a soak, and what came of them. */
import { appendFileSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Random } from '../src/verify/random.ts';
import type { SoakArguments } from './arguments.ts';
import { mutantOf, scenariosNamed } from './command.ts';
import { type Totals, totalsOf } from './document.ts';
import { keptRun } from './kept-run.ts';
import { type Footprint, footprint, footprintText } from './process-footprint.ts';
import { print, progress, table } from './report.ts';
import type { Scenario, Verdict } from './scenario.ts';
import { scenarios as allScenarios } from './scenarios.ts';

/** By turns, where --vcpus does not say: fewer than cores, as many, more, many more. */
const VCPUS: readonly number[] = [3, 2, 6, 1, 4, 12];
const SECONDS_MIN = 0.3;

interface Round {
  /** From 1. */
  readonly round: number;
  readonly seed: number;
  readonly vcpus: number;
  readonly scenarios: readonly Verdict[];
  readonly totals: Totals;
  readonly footprint: Footprint;
}

type StoppedBy = 'time' | 'violation' | 'signal';

/** @returns the exit status. @throws UsageError */
export async function soak(given: SoakArguments, signal: AbortSignal): Promise<number> {
  const mutant = mutantOf(given.mutant)?.name ?? null;
  const named = scenariosNamed(given.scenarios);
  const scenarios = named.length > 0 ? named : allScenarios;
  const log = given.log ?? join(given.failures, `soak-seed-${given.seed}.jsonl`);
  mkdirSync(dirname(log), { recursive: true });
  const sinceMs = performance.now();
  const untilMs = sinceMs + 1000 * given.totalSeconds;
  const rounds: Round[] = [];
  let stoppedBy: StoppedBy | null = null;
  while (stoppedBy === null) {
    const index = rounds.length;
    const seed = (given.seed + index) % 2 ** 31;
    const vcpus = given.vcpus ?? VCPUS[index % VCPUS.length]!;
    const verdicts: Verdict[] = [];
    for (const scenario of new Random(seed).shuffled(scenarios)) {
      await nextTurn(); // signals are heard in turns of the event loop, and some scenarios take none
      const left = (untilMs - performance.now()) / 1000;
      if (left <= 0) stoppedBy = 'time';
      if (signal.aborted) stoppedBy = 'signal';
      if (stoppedBy !== null) break;
      const seconds = Math.max(SECONDS_MIN, Math.min(given.seconds ?? scenario.seconds, left));
      const options = { seed, vcpus, seconds, mutant, signal };
      const { verdict } = await keptRun(scenario, options, given.failures);
      verdicts.push(verdict);
      if (!verdict.passed && !given.keepGoing) stoppedBy = 'violation';
    }
    if (verdicts.length === 0) break;
    const totals = totalsOf(verdicts);
    const round = { round: index + 1, seed, vcpus, scenarios: verdicts, totals, footprint: footprint() };
    rounds.push(round);
    appendFileSync(log, `${JSON.stringify(round)}\n`);
    progress(roundLine(round, performance.now() - sinceMs));
  }
  const seconds = Math.round((performance.now() - sinceMs) / 100) / 10;
  return conclude(given, rounds, { stoppedBy: stoppedBy ?? 'time', seconds, log });
}

const roundLine = ({ round, seed, vcpus, scenarios, totals, footprint }: Round, ms: number): string =>
  `round ${round} (seed ${seed}, ${vcpus} vCPUs) after ${(ms / 60_000).toFixed(1)} min: ` +
  `${scenarios.length} scenarios, ${figures(totals)}; ${footprintText(footprint)}`;

const figures = ({ operations, publications, faults, violations }: Totals): string =>
  `${operations} checked, ${publications} publications, ${faults} faults, ${violations} violations`;

interface End {
  readonly stoppedBy: StoppedBy;
  readonly seconds: number;
  readonly log: string;
}

function conclude({ seed, json }: SoakArguments, rounds: readonly Round[], end: End): number {
  const totals = totalsOf(rounds.map((round) => round.totals));
  const scenarios = sumsByScenario(rounds.flatMap((round) => round.scenarios));
  const [first, last] = [rounds[0]?.footprint ?? null, rounds.at(-1)?.footprint ?? null];
  if (json) print({ seed, rounds: rounds.length, ...end, scenarios, totals, footprints: { first, last } });
  else {
    const rows = [...scenarios, { name: 'all', runs: rounds.length, ...totals }].map((sums) => [
      ...[sums.name, sums.runs, sums.operations, sums.publications, sums.faults, sums.violations],
    ]);
    const head = ['scenario', 'runs', 'accesses checked', 'publications', 'faults injected', 'violations'];
    process.stdout.write(table(head, rows));
    const { stoppedBy, seconds, log } = end;
    process.stdout.write(
      `${rounds.length} rounds in ${seconds} s, ended by ${stoppedBy}; each in ${log}\n` +
        `after the first: ${first === null ? 'nothing' : footprintText(first)}\n` +
        `after the last:  ${last === null ? 'nothing' : footprintText(last)}\n`,
    );
  }
  return totals.violations === 0 ? 0 : 1;
}

interface ScenarioSums extends Totals {
  readonly name: Scenario['name'];
  readonly runs: number;
}

function sumsByScenario(verdicts: readonly Verdict[]): readonly ScenarioSums[] {
  const names = [...new Set(verdicts.map(({ name }) => name))].sort();
  return names.map((name) => {
    const runs = verdicts.filter((verdict) => verdict.name === name);
    return { name, runs: runs.length, ...totalsOf(runs) };
  });
}
