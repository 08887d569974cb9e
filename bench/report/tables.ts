/** The report as a person reads it. */
import Table from 'cli-table3';
import type { MapSizes } from '../map-size.ts';
import type { EarlierRow } from './earlier-run.ts';
import { type Line, machineName } from './line.ts';

function readable(ns: number): string {
  if (ns >= 1e6) return `${(ns / 1e6).toFixed(2)} ms`;
  return ns >= 1e4 ? `${(ns / 1e3).toFixed(1)} us` : `${ns.toFixed(ns >= 100 ? 0 : 2)} ns`;
}

const withHead = (first: string, ...others: readonly string[]) =>
  new Table({
    head: [first, ...others],
    colAligns: ['left', ...others.map(() => 'right' as const)],
    style: { head: [], border: [] },
  });

/** What was measured, and beneath it what else was seen. */
export function timeTable(lines: readonly Line[]): string {
  const table = withHead('row', 'best', 'median', 'p99', 'samples', 'threads');
  for (const { name, best, median, p99, samples, threads } of lines)
    table.push([name, readable(best), readable(median), readable(p99), samples, threads]);
  return [`${machineName}; time an operation`, String(table), ...lines.flatMap(figuresOf)].join('\n');
}

const figuresOf = ({ name, figures }: Line): string[] =>
  figures === undefined
    ? []
    : [
        `${name}: ${Object.entries(figures)
          .map(([what, value]) => `${what} ${value.toLocaleString('en')}`)
          .join(', ')}`,
      ];

const MARKS = { faster: '<<', same: '', slower: '>>' } as const;

/** This run against an earlier one. */
export function comparisonTable(
  lines: readonly Line[],
  earlier: readonly EarlierRow[],
  onlyBefore: readonly string[],
): string {
  const table = withHead('row', 'before', 'median', 'ratio', 'spread', '', 'ratio of best');
  for (const { name, median, compared } of lines) {
    if (compared) {
      const { medianBefore, medianRatio, bestRatio, spread, verdict } = compared;
      table.push([
        name,
        readable(medianBefore),
        readable(median),
        medianRatio.toFixed(2),
        spread.map((ratio) => ratio.toFixed(2)).join(' to '),
        MARKS[verdict],
        bestRatio?.toFixed(2) ?? '',
      ]);
    } else table.push([name, 'not there', readable(median), '', '', '', '']);
  }
  for (const name of onlyBefore)
    table.push([
      name,
      readable(earlier.find((row) => row.name === name)!.median),
      'not there',
      '',
      '',
      '',
      '',
    ]);
  const machines = new Set(earlier.map(({ cpu, node }) => `${cpu}, Node.js ${node}`));
  return [
    `Against the earlier run on ${[...machines].join('; ') || 'no machine'}: ratios now : before`,
    String(table),
    'spread: between the middle halves of both runs; << faster and >> slower where it leaves 1 out',
  ].join('\n');
}

/** What the published maps weigh. */
export function mapSizeTable({ machine, views, mapBytes, otherBytes }: MapSizes): string {
  const table = withHead('view of', 'ranges', 'its map, bytes', 'other design, bytes');
  for (const { addressSpace, ranges, mapBytes: own, otherBytes: other } of views)
    table.push([addressSpace, ranges, own, other]);
  table.push(['all, shared nodes once', '', mapBytes, otherBytes]);
  return (
    `Maps of '${machine}' against a radix of 2-byte elements, 10 bits a level, ` +
    `rebuilt for each view: ratio ${(mapBytes / otherBytes).toFixed(3)}\n${table}`
  );
}
