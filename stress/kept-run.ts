/** Runs one scenario; what it violated is printed, and kept as a file that --replay takes. */
import { writeFailure } from './failure.ts';
import { failureText, progress } from './report.ts';
import { type Outcome, runScenario } from './run-scenario.ts';
import type { Scenario, StressOptions } from './scenario.ts';

/** @param directory for the file */
export async function keptRun(
  scenario: Scenario,
  options: StressOptions,
  directory: string,
): Promise<Outcome> {
  const outcome = await runScenario(scenario, options);
  const { failure } = outcome;
  if (failure !== null) progress(failureText(failure, writeFailure(directory, failure)));
  return outcome;
}
