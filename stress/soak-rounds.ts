/** The rounds of a soak, and what came of them. */
import { appendFileSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Random } from '../src/verify/random.ts';
import type { SoakArguments } from './arguments.ts';
import { type Totals, totalsOf } from './document.ts';
import { keptRun } from './kept-run.ts';
import { mutantOf, scenariosNamed } from './named.ts';
import { footprint, footprintText } from './process-footprint.ts';
import { print, progress, table } from './report.ts';
import type { Verdict } from './scenario.ts';
import { scenarios as allScenarios } from './scenarios.ts';
import { type Round, SoakSums } from './soak-sums.ts';

/** By turns, where --vcpus does not say: fewer than cores, as many, more, many more. */
const VCPUS: readonly number[] = [3, 2, 6, 1, 4, 12];
const SECONDS_MIN = 0.3;

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
  const sums = new SoakSums();
  let stoppedBy: StoppedBy | null = null;
  while (stoppedBy === null) {
    const index = sums.rounds;
    const seed = (given.seed + index) % 2 ** 31;
    const vcpus = given.vcpus ?? VCPUS[index % VCPUS.length]!;
    const verdicts: Verdict[] = [];
    for (const scenario of new Random(seed).shuffled(scenarios)) {
      await nextTurn(); // signals are heard in turns of the event loop, and some scenarios take none
      const left = (untilMs - performance.now()) / 1000;
      if (signal.aborted) stoppedBy ??= 'signal';
      if (left <= 0) stoppedBy ??= 'time';
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
    sums.add(round);
    appendFileSync(log, `${JSON.stringify(round)}\n`);
    progress(roundLine(round, performance.now() - sinceMs));
  }
  const seconds = Math.round((performance.now() - sinceMs) / 100) / 10;
  return conclude(given, sums, { stoppedBy: stoppedBy ?? 'time', seconds, log });
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

function conclude({ seed, json }: SoakArguments, sums: SoakSums, end: End): number {
  const { rounds, scenarios, first, last } = sums;
  const totals = totalsOf(scenarios);
  if (json) print({ seed, rounds, ...end, scenarios, totals, footprints: { first, last } });
  else {
    const rows = [...scenarios, { name: 'all', runs: rounds, ...totals }].map((row) => [
      ...[row.name, row.runs, row.operations, row.publications, row.faults, row.violations],
    ]);
    const head = ['scenario', 'runs', 'accesses checked', 'publications', 'faults injected', 'violations'];
    process.stdout.write(table(head, rows));
    const { stoppedBy, seconds, log } = end;
    process.stdout.write(
      `${rounds} rounds in ${seconds} s, ended by ${stoppedBy}; each in ${log}\n` +
        `after the first: ${first === null ? 'nothing' : footprintText(first)}\n` +
        `after the last:  ${last === null ? 'nothing' : footprintText(last)}\n`,
    );
  }
  return totals.violations === 0 ? 0 : 1;
}
