/** Runs one scenario to its end and says what came of it. */
import { Bed, Hang, textOf } from './bed.ts';
import { type Failure, FORMAT } from './failure.ts';
import { breakInControl } from './mutants/in-control.ts';
import type { Scenario, StressOptions, Verdict } from './scenario.ts';
import type { Comparison } from './step-log.ts';

export interface Outcome {
  readonly verdict: Verdict;
  /** Null if the property held. */
  readonly failure: Failure | null;
  /** Of the layouts with those that were recorded, in a replay. */
  readonly comparison: Comparison;
}

/** Never rejects; no thread is left when it resolves. */
export async function runScenario(scenario: Scenario, options: StressOptions): Promise<Outcome> {
  const sinceMs = performance.now();
  const mend = options.mutant === null ? () => {} : breakInControl(options.mutant);
  const bed = new Bed(options);
  let did = '';
  try {
    did = await scenario.run(bed);
  } catch (error) {
    if (!(error instanceof Hang)) bed.violation(`the scenario failed: ${textOf(error)}`);
  }
  const { evidence } = bed;
  await bed.end();
  mend();
  const violations = bed.violationCount;
  const seen = [`seed ${options.seed}, scenario ${scenario.name}`, ...bed.examples, did].filter(
    (text) => text !== '',
  );
  const verdict = {
    name: scenario.name,
    passed: violations === 0,
    operations: bed.operations,
    publications: bed.publications,
    violations,
    faults: bed.faults,
    detail: violations === 0 ? did : seen.join('\n'),
    property: scenario.property,
    seconds: sinceSeconds(sinceMs),
    noticedSeconds: bed.noticedSeconds ?? (violations === 0 ? null : sinceSeconds(sinceMs)),
  };
  const { seed, vcpus: vcpuCount, seconds, mutant } = options;
  const asked = { format: FORMAT, scenario: scenario.name, seed, vcpuCount, seconds, mutant } as const;
  const { stepCount, kept: steps, comparison } = bed.steps;
  const failure = violations === 0 ? null : { ...asked, verdict, stepCount, steps, ...evidence };
  return { verdict, failure, comparison };
}

const sinceSeconds = (sinceMs: number): number => Math.round(performance.now() - sinceMs) / 1000;
