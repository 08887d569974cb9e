/** Scenarios and mutants by their names. What is not there is refused with the names of what is. */

import { type Mutant, mutants, tryBreak } from './mutants.ts';
import type { Scenario } from './scenario.ts';
import { scenarios } from './scenarios.ts';
import { UsageError } from './usage.ts';

/** @throws UsageError */
export const scenarioOf = (name: string): Scenario => known('scenario', scenarios, name);

/** @throws UsageError */
export const scenariosNamed = (names: readonly string[]): readonly Scenario[] => names.map(scenarioOf);

/** The mutant, found to break something. @throws UsageError */
export function mutantOf(name: string | null): Mutant | null {
  if (name === null) return null;
  const mutant = known('mutant', mutants, name);
  tryBreak(mutant);
  return mutant;
}

function known<T extends { readonly name: string }>(what: string, all: readonly T[], name: string): T {
  const found = all.find((candidate) => candidate.name === name);
  if (found !== undefined) return found;
  throw new UsageError(
    `there is no ${what} '${name}'; there are: ${all.map((each) => each.name).join(', ')}`,
  );
}
