/** A row of this run against the same row of an earlier one. Below 1 this run is the faster. */
import type { EarlierRow } from './earlier-run.ts';
import type { Line } from './line.ts';

export interface Compared {
  /** Now : before. */
  readonly medianRatio: number;
  /** Null if the earlier run does not say its best. */
  readonly bestRatio: number | null;
  /**
   * The least and the greatest ratio between two samples of the middle halves of both runs. An earlier run that
   * does not say its quartiles counts by its median alone.
   */
  readonly spread: readonly [low: number, high: number];
  /** `faster` or `slower` only where the spread leaves 1 out: the middle halves do not touch. */
  readonly verdict: 'faster' | 'same' | 'slower';
  /** ns an operation. */
  readonly medianBefore: number;
}

const rounded = (ratio: number): number => Number(ratio.toPrecision(4));

export function compare(now: Line, before: EarlierRow): Compared {
  const low = now.p25 / (before.p75 ?? before.median);
  const high = now.p75 / (before.p25 ?? before.median);
  return {
    medianRatio: rounded(now.median / before.median),
    bestRatio: before.best === null ? null : rounded(now.best / before.best),
    spread: [rounded(low), rounded(high)],
    verdict: high < 1 ? 'faster' : low > 1 ? 'slower' : 'same',
    medianBefore: before.median,
  };
}

export interface ComparedRuns {
  /** Each with its comparison; null where the earlier run lacks the row. */
  readonly lines: readonly Line[];
  /** Names of the rows that only the earlier run has, of those that this one was asked for. */
  readonly onlyBefore: readonly string[];
}

/** @param prefix which this run's rows were chosen by */
export function compareRuns(
  lines: readonly Line[],
  earlier: readonly EarlierRow[],
  prefix: string,
): ComparedRuns {
  const before = new Map(earlier.map((row) => [row.name, row]));
  const compared = lines.map((line) => {
    const row = before.get(line.name);
    return { ...line, compared: row === undefined ? null : compare(line, row) };
  });
  const names = new Set(lines.map(({ name }) => name));
  const onlyBefore = [...before.keys()].filter((name) => name.startsWith(prefix) && !names.has(name));
  return { lines: compared, onlyBefore };
}
