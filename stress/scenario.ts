/** What a scenario is: one property, an oracle for it, and real threads that try to break it. */
import type { Bed } from './bed.ts';
import type { Step } from './step-log.ts';

/** What a run is told; with the scenario it is all that a replay needs. */
export interface StressOptions {
  readonly seconds: number;
  readonly vcpus: number;
  readonly seed: number;
  /** Name of the protocol step that is broken on purpose; null in an honest run. */
  readonly mutant: string | null;
  /** Steps of the run that this one replays. */
  readonly recorded?: readonly Step[];
  /** Ends the run early, with what was seen so far. */
  readonly signal?: AbortSignal;
}

export interface Scenario {
  readonly name: string;
  /** The property, as a statement. */
  readonly property: string;
  /** How long it runs where --seconds does not say. */
  readonly seconds: number;
  /** Its layouts are decided by what vCPUs write, in the order of the threads: a replay cannot compare them. */
  readonly layoutsByGuests?: true;
  /**
   * Runs until `bed.timeIsUp`, notes what breaks the property, and returns what it did in a sentence.
   * The bed ends all threads afterwards, whatever happened.
   */
  run(bed: Bed): Promise<string>;
}

/** An entry of the contract's document; `faults` and what follows `detail` are ours. */
export interface Verdict {
  readonly name: string;
  readonly passed: boolean;
  readonly operations: number;
  readonly publications: number;
  readonly violations: number;
  /** What was broken on purpose under the engine: threads killed, hosts hung, commits made to fail. */
  readonly faults: number;
  readonly detail: string;
  readonly property: string;
  /** It took in all, and from its begin until the first violation was noticed; null if none was. */
  readonly seconds: number;
  readonly noticedSeconds: number | null;
}
