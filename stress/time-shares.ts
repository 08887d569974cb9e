/** How a budget of time is divided over scenarios. */
import type { Scenario } from './scenario.ts';

/** What a scenario takes beside its own time: threads come up and end. */
const OVERHEAD_SECONDS = 0.8;
const SECONDS_MIN = 0.3;

/** What the first of `left` may take of `leftMs`, if each has a share by its own length. */
export function shareOf(leftMs: number, left: readonly Scenario[]): number {
  const all = left.reduce((sum, { seconds }) => sum + seconds, 0);
  const seconds = leftMs / 1000 - left.length * OVERHEAD_SECONDS;
  return Math.max(SECONDS_MIN, Math.round((100 * seconds * left[0]!.seconds) / all) / 100);
}
