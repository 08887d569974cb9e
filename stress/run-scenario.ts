/** Runs one scenario to its end and says what came of it. */
import { Bed, Hang, textOf } from './bed.ts';
import { breakInControl } from './mutants/in-control.ts';
import type { Scenario, StressOptions, Verdict } from './scenario.ts';

/** Never rejects; no thread is left when it resolves. */
export async function runScenario(scenario: Scenario, options: StressOptions): Promise<Verdict> {
  const sinceMs = performance.now();
  const mend = options.mutant === null ? () => {} : breakInControl(options.mutant);
  const bed = new Bed(options);
  let did = '';
  try {
    did = await scenario.run(bed);
  } catch (error) {
    if (!(error instanceof Hang)) bed.violation(`the scenario failed: ${textOf(error)}`);
  }
  await bed.end();
  mend();
  const violations = bed.violationCount;
  const seen = [`seed ${options.seed}, scenario ${scenario.name}`, ...bed.examples, did].filter(
    (text) => text !== '',
  );
  return {
    name: scenario.name,
    passed: violations === 0,
    operations: bed.operations,
    publications: bed.publications,
    violations,
    detail: violations === 0 ? did : seen.join('\n'),
    property: scenario.property,
    seconds: Math.round(performance.now() - sinceMs) / 1000,
  };
}
