/** Text of `info mtree` back to a layout: what it says, what is guessed, and what the flat text corrects. */
import { describe, expect, test } from 'vitest';
import { flatJsonOf } from '../../src/qemu/flat-json.ts';
import { buildLayout, parseLayout } from '../../src/qemu/layout-file.ts';
import { printFlatViews, printMtree } from '../../src/qemu/mtree-printer.ts';
import type { LayoutState } from '../../src/qemu/region-record.ts';
import { parseSequence } from '../../src/qemu/sequence-file.ts';
import { inOneOrder, machineCaptures, sequenceCaptures } from '../support/captures.ts';
import { imported, line, range, section } from '../support/mtree-text.ts';

const withDisabled = { showDisabled: true };

const flatOf = (layout: LayoutState): unknown => inOneOrder(flatJsonOf(buildLayout(layout).addressSpaces));

/** Whether flat views survive the way through text; what we print is what QEMU prints (mtree-printer.test.ts). */
function survives(layout: LayoutState, options: typeof withDisabled | object, evidence: boolean): boolean {
  const { addressSpaces } = buildLayout(layout);
  const flat = evidence ? printFlatViews(addressSpaces) : undefined;
  const { layout: read } = imported(printMtree(addressSpaces, options), flat);
  return JSON.stringify(flatOf(read)) === JSON.stringify(inOneOrder(flatJsonOf(addressSpaces)));
}

describe('captured layouts, as text and back', () => {
  const machines = machineCaptures().map(({ name, text }) => ({ name, layout: parseLayout(text, name) }));
  const steps = sequenceCaptures().flatMap(({ name, text }) => parseSequence(text, name).steps);

  test.each(machines)('$name: exact from -D alone, and with the flat text from any', ({ layout }) => {
    expect(survives(layout, withDisabled, false)).toBe(true);
    expect(survives(layout, withDisabled, true)).toBe(true);
    expect(survives(layout, {}, true)).toBe(true);
  });

  test('the steps of captured sequences: all with the flat text, most without', () => {
    expect(steps.filter((step) => !survives(step, withDisabled, true)).map(({ action }) => action)).toEqual(
      [],
    );
    const exact = steps.filter((step) => survives(step, withDisabled, false)).length;
    expect(exact / steps.length).toBeGreaterThan(0.9);
  });
});

describe('what the text says', () => {
  const tree = section(
    'address-space: memory',
    line(1, `${range(0, 0x1000)} (prio 0, i/o): bus (main) @0x40: x`),
    line(2, `${range(0x100, 0x10)} (prio -5, nv-rom): a name, with [brackets] owner:{dev id=rom}`),
    line(2, `${range(0x200, 0x10)} (prio 0, romd): flash [disabled] orphan`),
    line(
      2,
      `${range(0x300, 0x10)} (prio 7, ram): alias win @a @b @ram block ${range(0x20, 0x10)} parent:{obj path=/x}`,
    ),
  );
  const target = section(
    'memory-region: ram block',
    line(1, `${range(0, 0x40)} (prio 0, ram): ram block orphan`),
  );

  test('kinds, flags, places, names with anything in them, owners', () => {
    const { layout } = imported(
      tree + target.replace('ram block\n', 'b @ram block\n').replaceAll(': ram block', ': b @ram block'),
    );
    const [bus, rom, flash, win, ram] = [...layout.records.values()];
    expect(bus).toMatchObject({ name: 'bus (main) @0x40: x', kind: 'container', size: 0x1000n });
    expect(rom).toMatchObject({
      kind: 'ram',
      readonly: true,
      nonvolatile: true,
      owner: 'owner:{dev id=rom}',
    });
    expect(rom!.name).toBe('a name, with [brackets]');
    expect(flash).toMatchObject({
      kind: 'rom-device',
      romd: true,
      enabled: false,
      owner: null,
      name: 'flash',
    });
    expect(win).toMatchObject({ kind: 'alias', name: 'win @a', alias: { target: ram!.id, offset: 0x20n } });
    expect(win!.owner).toBe('parent:{obj path=/x}');
    expect(ram).toMatchObject({ kind: 'ram', readonly: false, name: 'b @ram block' });
    expect(bus!.children.map(({ offset, priority }) => [offset, priority])).toEqual([
      [0x300n, 7],
      [0x200n, 0],
      [0x100n, -5],
    ]);
  });

  test('line ends of a terminal, the prompt, and what follows it', () => {
    const text = `QEMU 7.2.22 monitor - type 'help'\r\n(qemu) info mtree\r\n${section(
      'address-space: s',
      line(1, `${range(0, 1)} (prio 0, ram): r`),
    ).replaceAll('\n', '\r\n')}(qemu) quit\r\n`;
    expect([...imported(text).layout.records.values()].map(({ name }) => name)).toEqual(['r']);
  });

  test('regions of 2^64, and ends that wrap around', () => {
    const whole = '0000000000000000-ffffffffffffffff (prio 0, i/o): whole';
    const wraps = '[DETECTED OVERFLOW!]     fffffffffffff000-0000000000000fff (prio 0, ram): wraps';
    const { layout } = imported(section('address-space: s', line(1, whole), wraps));
    expect([...layout.records.values()].map(({ size }) => size)).toEqual([1n << 64n, 0x2000n]);
  });

  test('newer versions say which regions without container are containers', () => {
    const { layout } = imported(
      section('address-space: s', line(1, `${range(0, 8)} (prio 0, container): c`)),
    );
    expect([...layout.records.values()][0]).toMatchObject({ kind: 'container' });
  });

  test('several address spaces over one root, an address space without one, a region met in two sections', () => {
    const inner = `${range(0x40, 0x10)} (prio 0, i/o): inner`;
    const text =
      section(
        'address-space: a',
        'address-space: b',
        line(1, `${range(0, 0x100)} (prio 0, i/o): root`),
        line(2, inner),
      ) + section('address-space: c', line(1, inner));
    const { layout } = imported(text);
    expect(layout.addressSpaces.map(({ name, root }) => [name, layout.records.get(root!)?.name])).toEqual([
      ['a', 'root'],
      ['b', 'root'],
      ['c', 'inner'],
    ]);
    expect(layout.records.size).toBe(2);
  });
});

describe('what is guessed is told', () => {
  const system = (...lines: string[]): string =>
    section('address-space: memory', line(1, `${range(0, 0x10000)} (prio 0, i/o): system`), ...lines);
  const typesOf = (layout: LayoutState): string[] =>
    flatJsonOf(buildLayout(layout).addressSpaces)[0]!.ranges.map(
      ({ start, type, name }) => `${start} ${type} ${name}`,
    );

  test('who answers: leaves do, parents do not; the flat text knows better', () => {
    const text = system(
      line(2, `${range(0x1000, 0x2000)} (prio 0, i/o): parent`),
      line(3, `${range(0x1000, 0x1000)} (prio 0, i/o): leaf`),
      line(2, `${range(0x4000, 0x1000)} (prio 0, i/o): space`),
    );
    const guess = imported(text);
    expect(typesOf(guess.layout)).toEqual(['0x1000 i/o leaf', '0x4000 i/o space']);
    expect(guess.guessed.join('; ')).toMatch(
      /without children answer.*2 times.*with children are containers.*2 times/,
    );
    const flat = [
      'FlatView #0',
      ' AS "memory", root: system',
      ' Root memory region: system',
      `  ${range(0x1000, 0x1000)} (prio 0, i/o): leaf`,
      `  ${range(0x2000, 0x1000)} (prio 0, i/o): parent @${(0x1000).toString(16).padStart(16, '0')}`,
      '',
    ].join('\n');
    const learned = imported(text, flat);
    expect(typesOf(learned.layout)).toEqual(['0x1000 i/o leaf', '0x2000 i/o parent']);
    expect(learned.guessed.join('; ')).toMatch(/'parent' answer where.*'space' are empty containers/);
  });

  test('who wins among equals: the one at the higher address; the flat text knows better', () => {
    const text = system(
      line(2, `${range(0x1000, 0x2000)} (prio 0, ram): low`),
      line(2, `${range(0x2000, 0x2000)} (prio 0, ram): high`),
    );
    const guess = imported(text);
    expect(typesOf(guess.layout)).toEqual(['0x1000 ram low', '0x2000 ram high']);
    expect(guess.guessed.join('; ')).toMatch(/at the higher address was added later and wins \(1 times\)/);
    const flat = [
      'FlatView #0',
      ' AS "memory", root: system',
      ' Root memory region: system',
      `  ${range(0x1000, 0x2000)} (prio 0, ram): low`,
      `  ${range(0x3000, 0x1000)} (prio 0, ram): high @${(0x1000).toString(16).padStart(16, '0')}`,
      '',
    ].join('\n');
    const learned = imported(text, flat);
    expect(typesOf(learned.layout)).toEqual(['0x1000 ram low', '0x3000 ram high']);
    expect(learned.guessed.join('; ')).toMatch(/'low' lie over siblings of equal priority/);
  });

  test('read-only aliases: pam-rom by name, others by the flat text', () => {
    const text =
      system(
        line(2, `${range(0x1000, 0x1000)} (prio 1, ram): alias pam-rom @ram ${range(0x1000, 0x1000)}`),
        line(2, `${range(0x2000, 0x1000)} (prio 1, ram): alias locked @ram ${range(0x2000, 0x1000)}`),
      ) + section('memory-region: ram', line(1, `${range(0, 0x8000)} (prio 0, ram): ram`));
    expect(typesOf(imported(text).layout)).toEqual(['0x1000 rom ram', '0x2000 ram ram']);
    const flat = [
      'FlatView #0',
      ' AS "memory", root: system',
      ' Root memory region: system',
      `  ${range(0x1000, 0x1000)} (prio 0, ram): ram @${(0x1000).toString(16).padStart(16, '0')}`,
      `  ${range(0x2000, 0x1000)} (prio 0, rom): ram @${(0x2000).toString(16).padStart(16, '0')}`,
      '',
    ].join('\n');
    const learned = imported(text, flat);
    expect(typesOf(learned.layout)).toEqual(['0x1000 ram ram', '0x2000 rom ram']);
    expect(learned.guessed.join('; ')).toMatch(/'locked', 'pam-rom' are read-only/);
  });

  test('a window of one byte is closed; RAM of a device is one; a root is not printed', () => {
    const text =
      system(line(2, `${range(0x1000, 1)} (prio 0, ramd): alias window @bar ${range(0, 1)}`)) +
      section('memory-region: bar', line(1, `${range(0, 0x8000)} (prio 0, ramd): bar`)) +
      section('memory-region: gone', line(2, `${range(0x10, 0x10)} (prio 0, i/o): child`));
    const { layout, guessed } = imported(text);
    expect(typesOf(layout)).toEqual([]);
    expect(guessed.join('; ')).toMatch(/closed windows of size 0.*leaves out/);
    expect([...layout.records.values()].find(({ name }) => name === 'bar')).toMatchObject({
      kind: 'ram-device',
    });
    expect([...layout.records.values()].find(({ name }) => name === 'gone')).toMatchObject({
      enabled: false,
    });
  });

  test('children of a disabled sibling of an alias, without -D', () => {
    const text =
      system(
        line(2, `${range(0x1000, 0x10)} (prio 0, ram): alias window @ram ${range(0, 0x10)}`),
        line(3, `${range(0x2000, 0x10)} (prio 0, ram): hidden`),
      ) + section('memory-region: ram', line(1, `${range(0, 0x10)} (prio 0, ram): ram`));
    expect(typesOf(imported(text).layout)).toEqual(['0x1000 ram ram']);
  });

  test('which of several targets of one name: by owner, by what fits, by count', () => {
    const bridge = (index: number): string => `owner:{dev id=b${index}}`;
    const alias = (start: number, offset: number, owner: string): string =>
      line(2, `${range(start, 0x10)} (prio 0, ram): alias w${start} @bus ${range(offset, 0x10)}${owner}`);
    const bus = (size: number, owner: string, content: string): string =>
      section(
        'memory-region: bus',
        line(1, `${range(0, size)} (prio 0, ram): bus${owner}`),
        line(2, `${range(0, size)} (prio 0, ram): ${content}`),
      );
    const owned =
      system(
        alias(0x1000, 0, ` ${bridge(1)}`),
        alias(0x2000, 0, ` ${bridge(2)}`),
        alias(0x3000, 0, ` ${bridge(1)}`),
      ) +
      bus(0x100, ` ${bridge(1)}`, 'one') +
      bus(0x100, ` ${bridge(2)}`, 'two');
    expect(typesOf(imported(owned).layout).map((text) => text.slice(-3))).toEqual(['one', 'two', 'one']);
    const fitting =
      system(alias(0x1000, 0, ''), alias(0x2000, 0x100, '')) + bus(0x80, '', 'one') + bus(0x200, '', 'two');
    expect(typesOf(imported(fitting).layout).map((text) => text.slice(-3))).toEqual(['one', 'two']);
    const open =
      system(alias(0x1000, 0, ''), alias(0x2000, 0, '')) + bus(0x80, '', 'one') + bus(0x80, '', 'two');
    expect(imported(open).guessed.join('; ')).toMatch(
      /which of the regions named 'bus' is shown by 1 of its aliases/,
    );
  });

  test('what the flat text cannot explain', () => {
    const flat = [
      'FlatView #0',
      ' AS "memory", root: system',
      ' AS "other", root: elsewhere, alias system',
      ' Root memory region: system',
      `  ${range(0, 0x10)} (prio 0, ram): nowhere KVM`,
      '  Dispatch',
      '    Physical sections',
      '',
      'FlatView #1',
      ' AS "none", root: nothing',
      ' Root memory region: (none)',
      '  No rendered FlatView',
      '',
    ].join('\n');
    expect(imported(system(), flat).guessed.join('; ')).toMatch(
      /not explained: 1 ranges differ.*'memory' at 0x0/,
    );
  });
});
