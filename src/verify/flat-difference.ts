/** Compares flat views in the order-independent way: QEMU prints them in the order of a hash. */
import type { FlatJson } from '../qemu/flat-json.ts';

export interface FlatDifference {
  readonly expected: string;
  readonly got: string;
}

/** The first difference, in words; null if there is none. */
export function flatDifference(
  ours: readonly FlatJson[],
  expected: readonly FlatJson[],
): FlatDifference | null {
  const own = inOrder(ours);
  const due = inOrder(expected);
  for (let index = 0; index < Math.max(own.length, due.length); index += 1) {
    const ownView = own[index];
    const dueView = due[index];
    // What only one side has comes first in the order of both.
    if (dueView === undefined || (ownView !== undefined && ownView.key < dueView.key))
      return { expected: 'none', got: `a view of ${ownView!.key}` };
    if (ownView === undefined || ownView.key > dueView.key)
      return { expected: `a view of ${dueView.key}`, got: 'none' };
    const difference = rangeDifference(dueView.key, ownView.entry, dueView.entry);
    if (difference !== null) return difference;
  }
  return null;
}

interface Keyed {
  readonly key: string;
  readonly entry: FlatJson;
}

/** By name; names may repeat, so then by contents. */
function inOrder(views: readonly FlatJson[]): Keyed[] {
  return views
    .map((entry) => ({ key: keyOf(entry), contents: JSON.stringify(entry.ranges), entry }))
    .sort((a, b) => compare(a.key, b.key) || compare(a.contents, b.contents));
}

const compare = (a: string, b: string): number => (a < b ? -1 : Number(a > b));

const keyOf = ({ addressSpaces, root }: FlatJson): string =>
  `${[...addressSpaces].sort().join(', ')} with root ${root ?? '(none)'}`;

function rangeDifference(key: string, own: FlatJson, expected: FlatJson): FlatDifference | null {
  const count = Math.max(own.ranges.length, expected.ranges.length);
  for (let index = 0; index < count; index += 1) {
    const ownRange = rangeText(own, index);
    const expectedRange = rangeText(expected, index);
    if (ownRange !== expectedRange)
      return { expected: `${expectedRange} in the view of ${key}`, got: ownRange };
  }
  return null;
}

function rangeText({ ranges }: FlatJson, index: number): string {
  const range = ranges[index];
  if (range === undefined) return 'no more ranges';
  const { start, last, type, name, offset, priority } = range;
  return `${start}-${last} ${type} '${name}' @${offset} priority ${priority}`;
}
