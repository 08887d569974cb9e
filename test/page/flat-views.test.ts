/** Views that deltas bring up to date are what the service shows. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { inOrderOfInterest, namesOf, updated, viewsAfter } from '../../src/http/page/flat-views.js';
import type { Range } from '../../src/http/page/types.d.ts';

const PAGES = 24;
const nothing = '.';

/** One letter a page; a region shows the page of its own that has the same number. */
function rangesOf(drawing: string): Range[] {
  const ranges: Range[] = [];
  for (const [page, letter] of [...drawing].entries()) {
    const before = ranges.at(-1);
    if (letter === nothing) continue;
    if (before?.name === letter && before.last === BigInt(page) - 1n)
      ranges[ranges.length - 1] = { ...before, last: BigInt(page) };
    else
      ranges.push({
        ...{ start: BigInt(page), last: BigInt(page), name: letter, region: letter },
        ...{ type: 'ram', offset: BigInt(page), priority: 0 },
      });
  }
  return ranges;
}

/** What the service tells: where the drawings differ, and the ranges that meet that. */
function deltaOf(before: string, after: string) {
  const windows: { start: bigint; last: bigint }[] = [];
  for (let page = 0; page < PAGES; page += 1) {
    if (before[page] === after[page]) continue;
    const open = windows.at(-1);
    if (open?.last === BigInt(page) - 1n) open.last = BigInt(page);
    else windows.push({ start: BigInt(page), last: BigInt(page) });
  }
  const meets = (range: Range): boolean =>
    windows.some(({ start, last }) => range.start <= last && range.last >= start);
  return { windows, ranges: rangesOf(after).filter(meets) };
}

test('a view and a delta are the next view', () => {
  const drawing = fc.array(fc.constantFrom('a', 'b', 'c', nothing), { minLength: PAGES, maxLength: PAGES });
  fc.assert(
    fc.property(drawing, drawing, (one, other) => {
      const { windows, ranges } = deltaOf(one.join(''), other.join(''));
      expect(updated(rangesOf(one.join('')), windows, ranges)).toEqual(rangesOf(other.join('')));
    }),
  );
});

describe('views after an event', () => {
  const views = [
    { addressSpaces: ['memory', 'cpu'], ranges: rangesOf('aabb') },
    { addressSpaces: ['io'], ranges: rangesOf('c') },
  ];
  const delta = (addressSpace: string, complete = true) => ({
    ...{ addressSpace, complete, windows: [{ start: '0x1', last: '0x1' }] },
    ranges: [],
  });
  test('are the same where nothing is told', () => {
    const after = viewsAfter(views, [delta('memory'), delta('cpu')])!;
    expect(after[1]).toBe(views[1]);
    expect(after[0]!.ranges).toEqual(rangesOf('a.bb'));
  });
  test.each([
    ['they part', [delta('memory')]],
    ['there was too much to tell', [delta('io', false)]],
  ])('have to be asked for where %s', (_why, deltas) => {
    expect(viewsAfter(views, deltas)).toBe(null);
  });
});

test('main memory comes first, empty views last', () => {
  const view = (name: string, drawing: string) => ({ addressSpaces: [name], ranges: rangesOf(drawing) });
  const order = inOrderOfInterest([view('none', ''), view('io', 'abc'), view('memory', 'a')]);
  expect(order.map(({ addressSpaces }) => addressSpaces[0])).toEqual(['memory', 'io', 'none']);
});

test('main memory is the first name of its view', () => {
  expect(namesOf({ addressSpaces: ['cpu', 'memory', 'dma'], ranges: [] })).toEqual(['memory', 'cpu', 'dma']);
});
