/** What the flat text tells by the roots of its views, and by who shares one. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { buildLayout } from '../../src/qemu/layout-file.ts';
import { printFlatViews } from '../../src/qemu/mtree-printer.ts';
import type { LayoutState } from '../../src/qemu/region-record.ts';
import { imported, line, range, section } from '../support/mtree-text.ts';

/** Sections without their numbers, which QEMU draws from a hash, with the lines of address spaces in one order. */
const views = (text: string): string[] =>
  text
    .split(/FlatView #[0-9]+\n/)
    .filter((view) => view !== '')
    .map((view) => {
      const lines = view.trimEnd().split('\n');
      const spaces = lines.filter((text) => text.startsWith(' AS "'));
      return [...spaces.sort(), ...lines.slice(spaces.length)].join('\n');
    })
    .sort();

const rendered = (layout: LayoutState): string[] => views(printFlatViews(buildLayout(layout).addressSpaces));

const kindOf = (layout: LayoutState, name: string): string | undefined =>
  [...layout.records.values()].find((record) => record.name === name)?.kind;

test('equal regions of one name: which one an alias shows is known from who shares its view', () => {
  const fixture = (name: string): string =>
    readFileSync(new URL(`fixtures/text/q35-amd-iommu/${name}.txt`, import.meta.url), 'utf8');
  const flat = fixture('mtree-f');
  const { layout, guessed } = imported(fixture('mtree-D'), flat);
  expect(rendered(layout)).toEqual(views(flat));
  expect(guessed.join('; ')).toMatch(
    /from the flat text: 'bus master' show another of the regions with the name of their target/,
  );
  expect(guessed.join('; ')).not.toMatch(/not explained/);
  expect(rendered(imported(fixture('mtree-D')).layout)).not.toEqual(views(flat));
});

const window = (name: string, target: string): string =>
  section(
    `address-space: ${name}`,
    line(1, `${range(0, 0x100)} (prio 0, ram): alias window-${name} @${target} ${range(0, 0x100)}`),
  );
const bus = (heading: string, inside: string): string =>
  section(
    heading,
    line(1, `${range(0, 0x100)} (prio 0, i/o): bus`),
    line(2, `${range(0, 0x40)} (prio 0, ram): ${inside}`),
    line(2, `${range(0x80, 0x40)} (prio 0, ram): both`),
  );
const view = (root: string, ranges: string[], ...spaces: [string, string][]): string =>
  [
    'FlatView #0',
    ...spaces.map(([name, spaceRoot]) => ` AS "${name}", root: ${spaceRoot}`),
    ` Root memory region: ${root}`,
    ...ranges,
    '',
    '',
  ].join('\n');
const shows = (name: string): string[] => [`  ${range(0, 0x40)} (prio 0, ram): ${name}`];

test('targets that differ are exchanged, also where no address space has one as its root', () => {
  const onBus = (name: string): string[] => [...shows(name), `  ${range(0x80, 0x40)} (prio 0, ram): both`];
  const a: [string, string] = ['a', 'window-a, alias bus'];
  const b: [string, string] = ['b', 'window-b, alias bus'];
  const tree =
    window('a', 'bus') +
    window('b', 'bus') +
    bus('memory-region: bus', 'one') +
    bus('memory-region: bus', 'two');
  const crossed = view('bus', onBus('two'), a) + view('bus', onBus('one'), b);
  for (const text of [crossed, view('bus', onBus('two'), a, b), view('bus', onBus('one'), a, b)]) {
    const { layout, guessed } = imported(tree, text);
    expect(rendered(layout)).toEqual(views(text));
    expect(guessed.filter((told) => /not explained/.test(told))).toEqual([]);
  }
});

describe('the name of the root', () => {
  const wrapped = (name: string): string =>
    section(
      'address-space: s',
      line(1, `${range(0, 0x40)} (prio 0, i/o): ${name}`),
      line(2, `${range(0, 0x40)} (prio 0, ram): child`),
    );

  test('shows that a region answers though its child hides it', () => {
    const { layout, guessed } = imported(wrapped('outer'), view('outer', shows('child'), ['s', 'outer']));
    expect(kindOf(layout, 'outer')).toBe('io');
    expect(guessed.join('; ')).toMatch(/from the roots of flat views: whether 'outer' answer/);
  });

  test('shows that a region only wraps its child', () => {
    const { layout } = imported(wrapped('rtc'), view('child', shows('child'), ['s', 'rtc']));
    expect(kindOf(layout, 'rtc')).toBe('container');
  });

  test('or cannot be explained', () => {
    const { guessed } = imported(wrapped('outer'), view('elsewhere', shows('child'), ['s', 'outer']));
    expect(guessed.join('; ')).toMatch(
      /not explained: the flat views of 1 address spaces begin or are shared otherwise, the first is 's'/,
    );
  });
});

test('address spaces that look alike are told apart by whether anything is rendered', () => {
  const dma = (enabled: boolean): string =>
    section(
      'address-space: dma',
      line(1, `${range(0, 0x40)} (prio 0, i/o): master`),
      line(2, `${range(0, 0x40)} (prio 0, ram): bytes${enabled ? '' : ' [disabled]'}`),
    );
  const flat =
    view('bytes', shows('bytes'), ['dma', 'master']) +
    view('(none)', ['  No rendered FlatView'], ['dma', 'master']);
  const { layout, guessed } = imported(dma(true) + dma(false), flat);
  expect(rendered(layout)).toEqual(views(flat));
  expect(guessed.filter((told) => /not explained/.test(told))).toEqual([]);
});
