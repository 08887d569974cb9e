/**
 * The flat views of a machine, brought up to date by deltas. A delta says what answers now in some windows; ranges in
 * it may reach beyond.
 */

/** @typedef {import('./types.d.ts').Range} Range */
/** @typedef {import('./types.d.ts').Span} Span */
/** @typedef {import('./types.d.ts').View} View */

/** @param {import('./types.d.ts').Told<Range>} told @returns {Range} */
export const rangeFrom = (told) => ({ ...told, ...spanFrom(told), offset: BigInt(told.offset) });

/** @param {import('./types.d.ts').Told<Span>} told @returns {Span} */
export const spanFrom = ({ start, last }) => ({ start: BigInt(start), last: BigInt(last) });

/** @param {Range} a @param {Range} b */
const byStart = (a, b) => (a.start < b.start ? -1 : Number(a.start > b.start));

/**
 * What remains of `range` outside of `cut`.
 * @param {Range} range @param {Span} cut
 */
function outside(range, cut) {
  if (cut.last < range.start || cut.start > range.last) return [range];
  const left = cut.start > range.start ? [{ ...range, last: cut.start - 1n }] : [];
  const start = cut.last + 1n;
  const right =
    start <= range.last ? [{ ...range, start, offset: range.offset + (start - range.start) }] : [];
  return [...left, ...right];
}

/**
 * @param {readonly Range[]} ranges @param {readonly Span[]} windows @param {readonly Range[]} now what meets the windows
 * @returns {readonly Range[]}
 */
export function updated(ranges, windows, now) {
  let kept = ranges;
  for (const cut of [...windows, ...now]) kept = kept.flatMap((range) => outside(range, cut));
  return [...kept, ...now].sort(byStart);
}

/**
 * The views after a delta; null if it does not say enough: then all have to be asked for.
 * @param {readonly View[]} views @param {readonly import('./types.d.ts').SpaceDelta[]} spaces
 * @returns {readonly View[] | null}
 */
export function viewsAfter(views, spaces) {
  const bySpace = new Map(spaces.map((space) => [space.addressSpace, space]));
  /** @type {View[]} */
  const after = [];
  for (const view of views) {
    const told = view.addressSpaces.map((id) => bySpace.get(id));
    const first = told[0];
    if (told.some((delta) => (delta === undefined) !== (first === undefined))) return null; // they part
    if (first === undefined) {
      after.push(view);
      continue;
    }
    if (!first.complete) return null;
    const ranges = updated(view.ranges, first.windows.map(spanFrom), first.ranges.map(rangeFrom));
    after.push({ ...view, ranges });
  }
  return after;
}

/**
 * In the order in which people look at them: main memory, then by how much there is to see.
 * @param {readonly View[]} views
 */
export function inOrderOfInterest(views) {
  /** @param {View} view */
  const rank = ({ addressSpaces, ranges }) => {
    if (ranges.length === 0) return -1;
    return ranges.length + (addressSpaces.some((name) => name === 'memory') ? 1e6 : 0);
  };
  return views.toSorted((a, b) => rank(b) - rank(a));
}

/** The names of a view's address spaces, main memory first. @param {View} view */
export function namesOf({ addressSpaces }) {
  return addressSpaces.toSorted((a, b) => Number(b === 'memory') - Number(a === 'memory'));
}
