/** A run against an earlier one: ratios, their spread, and what counts as a difference. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { compare, compareRuns } from '../../bench/report/comparison.ts';
import { type EarlierRow, readEarlierRun } from '../../bench/report/earlier-run.ts';
import { type Line, lineFrom } from '../../bench/report/line.ts';
import { comparisonTable, timeTable } from '../../bench/report/tables.ts';

/** A row whose middle half lies from `p25` to `p75`. */
const line = (p25: number, median: number, p75: number, name = 'row'): Line =>
  lineFrom(name, { best: p25 / 2, p25, median, p75, p99: 2 * p75, samples: 20, threads: 1 });

const earlierRow = (p25: number | null, median: number, p75: number | null, name = 'row'): EarlierRow => ({
  ...{ name, median, p25, p75, best: p25 === null ? null : p25 / 2, node: 'v20.0.0', cpu: 'older' },
});

describe('a ratio', () => {
  test.each([
    ['half as long, far apart', line(4, 5, 6), earlierRow(9, 10, 12), 0.5, [0.3333, 0.6667], 'faster'],
    ['twice as long, far apart', line(18, 20, 22), earlierRow(9, 10, 11), 2, [1.636, 2.444], 'slower'],
    ['middle halves that overlap', line(8, 9, 11), earlierRow(9, 10, 12), 0.9, [0.6667, 1.222], 'same'],
    ['middle halves that touch', line(6, 7, 9), earlierRow(9, 10, 12), 0.7, [0.5, 1], 'same'],
    [
      'an earlier run without quartiles',
      line(4, 5, 6),
      earlierRow(null, 10, null),
      0.5,
      [0.4, 0.6],
      'faster',
    ],
  ] as const)('of %s', (_what, now, earlier, medianRatio, spread, verdict) => {
    expect(compare(now, earlier)).toMatchObject({ medianRatio, spread, verdict });
  });

  test('of the best is null where the earlier run does not say it', () => {
    expect(compare(line(4, 5, 6), earlierRow(8, 10, 12)).bestRatio).toBe(0.5);
    expect(compare(line(4, 5, 6), earlierRow(null, 10, null)).bestRatio).toBeNull();
  });
});

describe('two runs', () => {
  const now = [line(4, 5, 6, 'a/both'), line(4, 5, 6, 'a/new')];
  const earlier = [
    earlierRow(9, 10, 12, 'a/both'),
    earlierRow(9, 10, 12, 'a/gone'),
    earlierRow(9, 10, 12, 'b/gone'),
  ];

  test('say which rows only one of them has, of those that were asked for', () => {
    const { lines, onlyBefore } = compareRuns(now, earlier, 'a/');
    expect(lines.map(({ name, compared }) => [name, compared?.verdict ?? null])).toEqual([
      ['a/both', 'faster'],
      ['a/new', null],
    ]);
    expect(onlyBefore).toEqual(['a/gone']);
  });

  test('are one table, with a mark where the spread leaves 1 out', () => {
    const { lines, onlyBefore } = compareRuns(now, earlier, 'a/');
    const rows = comparisonTable(lines, earlier, onlyBefore).split('\n');
    const rowOf = (name: string): string | undefined => rows.find((row) => row.includes(name));
    expect(rowOf('a/both')).toMatch(/10\.00 ns.*5\.00 ns.*0\.50.*0\.33 to 0\.67.*<</);
    expect(rowOf('a/new')).toContain('not there');
    expect(rowOf('a/gone')).toContain('not there');
    expect(rows[0]).toContain('older, Node.js v20.0.0');
  });
});

test('figures stand beneath the table, and rounded in the line', () => {
  const shown = lineFrom('row', {
    ...{ best: 1, p25: 1, median: 2, p75: 3, p99: 4, samples: 20, threads: 1 },
    figures: { publicationsPerSecond: 10_000, throughputOfQuiet: 0.987_654 },
  });
  expect(shown.figures).toEqual({ publicationsPerSecond: 10_000, throughputOfQuiet: 0.9877 });
  expect(timeTable([shown])).toContain('row: publicationsPerSecond 10,000, throughputOfQuiet 0.988');
});

describe('an earlier run is refused', () => {
  const folder = mkdtempSync(join(tmpdir(), 'flatview-compare-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const good = { name: 'a', unit: 'ns/op', median: 1, p99: 2, samples: 3, threads: 1, node: 'v20', cpu: 'x' };
  const read = (document: unknown): EarlierRow[] => {
    const file = join(folder, 'run.json');
    writeFileSync(file, JSON.stringify(document));
    return readEarlierRun(file);
  };

  test('never if it has the fields of the contract', () => {
    expect(read([good])).toEqual([
      { name: 'a', median: 1, best: null, p25: null, p75: null, node: 'v20', cpu: 'x' },
    ]);
    expect(read([])).toEqual([]);
  });

  test.each<[string, unknown, RegExp]>([
    ['an object', { rows: [] }, /run\.json: is no array of rows; give/],
    ['a row that is a number', [good, 7], /run\.json: row\[1\]: must be an object/],
    ['another unit', [{ ...good, unit: 'ms/op' }], /row\[0\]\.unit: must be ns\/op, is 'ms\/op'; give/],
    ['no unit', [{ ...good, unit: undefined }], /row\[0\]\.unit: is missing/],
    ['no name', [{ ...good, name: 3 }], /row\[0\]\.name: must be a string/],
    ['a median of nothing', [{ ...good, median: 0 }], /row\[0\]\.median: must be a number .* above 0; give/],
    ['a quartile in words', [{ ...good, p25: 'low' }], /row\[0\]\.p25: must be a number/],
    ['a row twice', [good, good], /row\[1\]\.name: 'a' is there twice; give/],
  ])('for %s', (_what, document, message) => {
    expect(() => read(document)).toThrow(message);
  });
});
