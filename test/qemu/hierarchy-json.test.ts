/** The JSON of trees says what the text says, line by line, and what the text leaves out. */
import { describe, expect, test } from 'vitest';
import { AddressSpace } from '../../src/model/address-space.ts';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import { flatJsonOf } from '../../src/qemu/flat-json.ts';
import { hierarchyJsonOf, type RegionJson, type SectionJson } from '../../src/qemu/hierarchy-json.ts';
import { buildLayout, parseLayout } from '../../src/qemu/layout-file.ts';
import type { MtreeOptions } from '../../src/qemu/mtree-options.ts';
import { printMtree } from '../../src/qemu/mtree-printer.ts';
import { machineCaptures } from '../support/captures.ts';
import { at, container, io, ram } from '../support/drawing.ts';
import { messageOf } from '../support/message-of.ts';

const padded = (hex: string): string => hex.slice(2).padStart(16, '0');

/** The lines of the text, from the JSON alone, without indentation and owners. */
function linesOf(sections: readonly SectionJson[]): string[] {
  const regionLines = (region: RegionJson): string[] => {
    const { alias, name, start, last, priority, type, enabled } = region;
    const shown =
      alias === undefined
        ? name
        : `alias ${name} @${alias.target} ${padded(alias.offset)}-${padded(alias.last)}`;
    const line = `${padded(start)}-${padded(last)} (prio ${priority}, ${type}): ${shown}${enabled ? '' : ' [disabled]'}`;
    return [line, ...region.children.flatMap(regionLines)];
  };
  return sections.flatMap(({ addressSpaces, root, regions }) => [
    ...(addressSpaces.length > 0
      ? addressSpaces.map((name) => `address-space: ${name}`)
      : [`memory-region: ${root}`]),
    ...regions.flatMap(regionLines),
    '',
  ]);
}

describe('has the lines of the text', () => {
  test.each(machineCaptures())('$name', ({ name, text }) => {
    const { addressSpaces } = buildLayout(parseLayout(text, name));
    for (const options of [{}, { showDisabled: true }] satisfies MtreeOptions[]) {
      const lines = printMtree(addressSpaces, options).trimEnd().split('\n');
      expect(linesOf(hierarchyJsonOf(addressSpaces, options)).slice(0, -1)).toEqual(
        lines.map((line) => line.trimStart()),
      );
    }
  });
});

describe('a tree', () => {
  const low = ram('low', 0x1000, [], { owner: 'dimm0' });
  const window = MemoryRegion.alias('window', low, 0x800, 0, { nonvolatile: true });
  const off = container('off', 0x2000, [at(0x1000, io('inside', 0x10))], { enabled: false });
  const root = container('root', 1n << 64n, [at(0x4000, off), at(0x100, window, -3)]);
  const spaces = [new AddressSpace('memory', root), new AddressSpace('cpu', root), new AddressSpace('none')];

  test('nests what is enabled; the children of what is left out take its place', () => {
    const [tree, none, target] = hierarchyJsonOf(spaces);
    expect(tree).toMatchObject({ addressSpaces: ['cpu', 'memory'], root: 'root' });
    expect(tree!.regions).toHaveLength(1);
    expect(tree!.regions[0]).toMatchObject({ kind: 'container', type: 'i/o', size: '0x10000000000000000' });
    expect(tree!.regions[0]!.children).toEqual([
      {
        ...{ name: 'window', kind: 'alias', type: 'nv-ram', start: '0x100', last: '0x100', size: '0x0' },
        ...{ priority: -3, enabled: true, alias: { target: 'low', offset: '0x800', last: '0x800' } },
        children: [],
      },
      {
        ...{ name: 'inside', kind: 'io', type: 'i/o', start: '0x5000', last: '0x500f', size: '0x10' },
        ...{ priority: 0, enabled: true, children: [] },
      },
    ]);
    expect(none).toEqual({ addressSpaces: ['none'], root: null, regions: [] });
    expect(target).toMatchObject({ addressSpaces: [], root: 'low', regions: [{ name: 'low', kind: 'ram' }] });
  });

  test('with -D has what is disabled, with -o each owner, null for an orphan', () => {
    const [tree, , target] = hierarchyJsonOf(spaces, { showDisabled: true, showOwners: true });
    expect(tree!.regions[0]!.children[1]).toMatchObject({
      ...{ name: 'off', enabled: false, owner: null },
      children: [{ name: 'inside', owner: null }],
    });
    expect(target!.regions[0]).toMatchObject({ owner: 'dimm0' });
  });

  test('of flat views: owners and dispatch trees only when asked, null where nothing is rendered', () => {
    const [plain] = flatJsonOf(spaces);
    expect(plain).not.toHaveProperty('dispatch');
    expect(plain!.ranges).toEqual([]);
    const shown = [new AddressSpace('bus', container('bus', 0x1000, [at(0, low)])), new AddressSpace('none')];
    expect(flatJsonOf(shown, { showOwners: true, dispatchPageBits: 10 })).toMatchObject([
      { addressSpaces: ['bus'], ranges: [{ name: 'low', owner: 'dimm0' }], dispatch: { pageBits: 10 } },
      { addressSpaces: ['none'], ranges: [], dispatch: null },
    ]);
  });
});

test('a tree too deep to be walked is refused, in both forms', () => {
  let root = io('inside', 1);
  for (let depth = 0; depth < 1000; depth++) root = container(`c${depth}`, 1, [at(0, root)]);
  // One whose root was set past setRoot(), which renders, and refuses before.
  const spaces = [
    Object.create(AddressSpace.prototype, { name: { value: 'memory' }, root: { value: root } }),
  ];
  expect(messageOf(() => hierarchyJsonOf(spaces))).toMatch(/^RENDER_TOO_DEEP/);
  expect(messageOf(() => printMtree(spaces))).toMatch(/^RENDER_TOO_DEEP/);
});
