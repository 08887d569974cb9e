/** What a scenario is: one property, an oracle for it, and real threads that try to break it. */
import type { Bed } from './bed.ts';

export interface StressOptions {
  readonly seconds: number;
  readonly vcpus: number;
  readonly seed: number;
  /** Name of the protocol step that is broken on purpose; null in an honest run. */
  readonly mutant: string | null;
}

export interface Scenario {
  readonly name: string;
  /** The property, as a statement. */
  readonly property: string;
  /** How long it runs where --seconds does not say. */
  readonly seconds: number;
  /**
   * Runs until `bed.timeIsUp`, notes what breaks the property, and returns what it did in a sentence.
   * The bed ends all threads afterwards, whatever happened.
   */
  run(bed: Bed): Promise<string>;
}

/** An entry of the contract's document; `threads`, `seconds` and `property` are ours. */
export interface Verdict {
  readonly name: string;
  readonly passed: boolean;
  readonly operations: number;
  readonly publications: number;
  readonly violations: number;
  readonly detail: string;
  readonly property: string;
  readonly seconds: number;
}
