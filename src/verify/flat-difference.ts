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
  const oursByKey = new Map(ours.map((entry) => [keyOf(entry), entry]));
  const expectedByKey = new Map(expected.map((entry) => [keyOf(entry), entry]));
  for (const [key, entry] of expectedByKey) {
    const own = oursByKey.get(key);
    if (own === undefined) return { expected: `a view of ${key}`, got: 'none' };
    const difference = rangeDifference(key, own, entry);
    if (difference !== null) return difference;
  }
  for (const key of oursByKey.keys()) {
    if (!expectedByKey.has(key)) return { expected: 'none', got: `a view of ${key}` };
  }
  return null;
}

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
