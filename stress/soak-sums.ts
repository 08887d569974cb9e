/** What the rounds of a soak add up to. Its size goes with the number of scenarios, whatever the number of rounds. */
import { type Totals, totalsOf } from './document.ts';
import type { Footprint } from './process-footprint.ts';
import type { Verdict } from './scenario.ts';

export interface Round {
  /** From 1. */
  readonly round: number;
  readonly seed: number;
  readonly vcpus: number;
  readonly scenarios: readonly Verdict[];
  readonly totals: Totals;
  readonly footprint: Footprint;
}

interface ScenarioSums extends Totals {
  readonly name: string;
  readonly runs: number;
}

export class SoakSums {
  rounds = 0;
  first: Footprint | null = null;
  last: Footprint | null = null;
  private readonly byName = new Map<string, ScenarioSums>();

  add({ scenarios, footprint }: Round): void {
    this.rounds += 1;
    this.first ??= footprint;
    this.last = footprint;
    for (const verdict of scenarios) {
      const { name } = verdict;
      const known = this.byName.get(name);
      const runs = (known?.runs ?? 0) + 1;
      this.byName.set(name, { name, runs, ...totalsOf(known === undefined ? [verdict] : [known, verdict]) });
    }
  }

  /** By name. */
  get scenarios(): readonly ScenarioSums[] {
    return [...this.byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }
}
