/**
 * In what two flat views differ: parts of the one in place of parts of the other. Pure. Where a view was rendered
 * again in part, its difference is known from that, and costs go with what changed.
 */
import { type AddressWindow, type FlatRange, type FlatView, rangesAgree } from './flat-view.ts';

/** Successive ranges of one view, and what the other has in their place. They may have equal ranges in their midst. */
export interface ViewPart {
  readonly before: readonly FlatRange[];
  readonly after: readonly FlatRange[];
}

/** Ascending; none where both are equal. */
export type ViewDifference = readonly ViewPart[];

/** Whether both are the same range, with the same mask. */
const rangesEqual = (a: FlatRange, b: FlatRange): boolean =>
  a === b ||
  (a.start === b.start && a.size === b.size && a.dirtyLogMask === b.dirtyLogMask && rangesAgree(a, b));

/** What is left without the ranges that are equal at both ends: nearly none, where one region has moved. */
export function trimmed(before: readonly FlatRange[], after: readonly FlatRange[]): ViewPart | null {
  const shorter = Math.min(before.length, after.length);
  let head = 0;
  while (head < shorter && rangesEqual(before[head]!, after[head]!)) head += 1;
  let tail = 0;
  while (tail < shorter - head && rangesEqual(before.at(-1 - tail)!, after.at(-1 - tail)!)) tail += 1;
  if (head + tail === before.length && head + tail === after.length) return null;
  return {
    before: before.slice(head, before.length - tail),
    after: after.slice(head, after.length - tail),
  };
}

/** Of any two views; it looks at all of their ranges. */
export function differenceBetween(before: FlatView, after: FlatView): ViewDifference {
  if (before.list === after.list) return [];
  const part = trimmed(before.ranges, after.ranges);
  return part === null ? [] : [part];
}

/** Whether both hold the same ranges with the same masks, whatever the roots are. */
export const flatViewsEqual = (a: FlatView, b: FlatView): boolean => differenceBetween(a, b).length === 0;

/** The addresses whose answer differs: merged and ascending. Masks are no answer. */
export const changedRanges = (difference: ViewDifference): AddressWindow[] =>
  differingWindows(difference, rangesAgree);

/** The addresses of which a reader must forget what it knows: those, and where another mask is. */
export const staleRanges = (difference: ViewDifference): AddressWindow[] =>
  differingWindows(difference, (a, b) => a.dirtyLogMask === b.dirtyLogMask && rangesAgree(a, b));

type Agreement = (a: FlatRange, b: FlatRange) => boolean;

function differingWindows(difference: ViewDifference, agree: Agreement): AddressWindow[] {
  const changed: { start: bigint; last: bigint }[] = [];
  const note = (start: bigint, end: bigint): void => {
    const previous = changed.at(-1);
    if (previous !== undefined && previous.last + 1n === start) previous.last = end - 1n;
    else changed.push({ start, last: end - 1n });
  };
  for (const { before, after } of difference) sweep(before, after, agree, note);
  return changed;
}

/** Calls `differ` for each stretch that only one list covers, or that both cover differently. */
function sweep(
  before: readonly FlatRange[],
  after: readonly FlatRange[],
  agree: Agreement,
  differ: (start: bigint, end: bigint) => void,
): void {
  let beforeIndex = 0;
  let afterIndex = 0;
  let cursor = 0n;
  while (beforeIndex < before.length || afterIndex < after.length) {
    const a = before[beforeIndex];
    const b = after[afterIndex];
    const start = maximum(cursor, minimum(a?.start, b?.start));
    const inA = a !== undefined && a.start <= start;
    const inB = b !== undefined && b.start <= start;
    const end = minimum(boundary(a, inA), boundary(b, inB));
    if (!(inA && inB && agree(a, b))) differ(start, end);
    cursor = end;
    if (a !== undefined && a.start + a.size <= cursor) beforeIndex++;
    if (b !== undefined && b.start + b.size <= cursor) afterIndex++;
  }
}

/** Where the state of `range` next changes: its end inside it, its start before it. */
const boundary = (range: FlatRange | undefined, inside: boolean): bigint | undefined =>
  range === undefined ? undefined : inside ? range.start + range.size : range.start;

const maximum = (a: bigint, b: bigint): bigint => (a > b ? a : b);

/** The smaller of two, of which one at most is undefined. */
function minimum(a: bigint | undefined, b: bigint | undefined): bigint {
  if (a === undefined) return b!;
  return b === undefined || a < b ? a : b;
}
