/** Our text is QEMU's, line by line, wherever QEMU defines the order. */
import { describe, expect, test } from 'vitest';
import { AddressSpace } from '../../src/model/address-space.ts';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import { Owner } from '../../src/model/owner.ts';
import { buildLayout, parseLayout } from '../../src/qemu/layout-file.ts';
import type { MtreeOptions } from '../../src/qemu/mtree-options.ts';
import { printFlatViews, printMtree } from '../../src/qemu/mtree-printer.ts';
import { machineCaptures, textCaptures } from '../support/captures.ts';
import { at, container, ram } from '../support/drawing.ts';
import { sections, views } from '../support/monitor-views.ts';

const layouts = new Map(machineCaptures().map(({ name, text }) => [name, text]));
const texts = textCaptures().filter(({ name, read }) => layouts.has(name) && read('mtree-o-D') !== undefined);

describe.skipIf(texts.length === 0)('equal to what QEMU 7.2 printed', () => {
  const treeCommands: [string, MtreeOptions][] = [
    ['mtree', {}],
    ['mtree-D', { showDisabled: true }],
    ['mtree-o-D', { showDisabled: true, showOwners: true }],
  ];
  const flatCommands: [string, MtreeOptions][] = [
    ['mtree-f', {}],
    ['mtree-f-o', { showOwners: true }],
  ];

  test.each(texts)('$name', ({ name, read }) => {
    const { addressSpaces } = buildLayout(parseLayout(layouts.get(name)!, name));
    for (const [command, options] of treeCommands) {
      expect(sections(printMtree(addressSpaces, options)), command).toEqual(sections(read(command)!));
    }
    for (const [command, options] of flatCommands) {
      expect(views(printFlatViews(addressSpaces, options)), command).toEqual(views(read(command)!));
    }
  });
});

describe('what captured machines do not have', () => {
  test('a region without owner is an orphan, an owner that is no text of QEMU is a device', () => {
    const root = container('root', 16, [
      at(0, ram('mine', 1, [], { owner: 'uart' })),
      at(1, ram('nobody', 1)),
    ]);
    const text = printed(root, { showOwners: true });
    expect(text).toMatch(/root orphan\n.*mine owner:\{dev id=uart\}\n.*nobody orphan\n/);
  });

  test('an Owner is an object with its path', () => {
    const owner = new Owner('/machine/peripheral/net0');
    const root = container('root', 16, [at(0, ram('rom', 1, [], { owner }))]);
    expect(printed(root, { showOwners: true })).toContain(
      'ram): rom owner:{obj path=/machine/peripheral/net0}\n',
    );
  });

  test('RAM of a device is ramd', () => {
    const bar = MemoryRegion.ramDevice('bar', 16);
    const root = container('root', 32, [at(0, bar), at(16, MemoryRegion.alias('window', bar, 0, 16))]);
    expect([...printed(root).matchAll(/ramd\): .*/g)].map(([text]) => text)).toEqual([
      'ramd): bar',
      `ramd): alias window @bar ${'0'.repeat(16)}-${'f'.padStart(16, '0')}`,
      'ramd): bar',
    ]);
  });

  test('an end that wraps around is tagged; the tag of a hidden line goes to the next one', () => {
    const wraps = ram('wraps', 0x2000, [], { enabled: false });
    const root = container('root', 1n << 64n, [at(-0x1000, wraps), at(0, ram('low', 1))]);
    expect(printed(root, { showDisabled: true })).toContain(
      '\n[DETECTED OVERFLOW!]     fffffffffffff000-0000000000000fff (prio 0, ram): wraps [disabled]\n',
    );
    wraps.addSubregion(0x1800, ram('inside', 1));
    expect(printed(root)).toContain('\n[DETECTED OVERFLOW!] [DETECTED OVERFLOW!]       0000000000000800-');
  });

  test('non-volatile regions, siblings at one address, an address space without a root', () => {
    const siblings = [
      at(0, ram('low', 1), -1),
      at(0, ram('first', 1)),
      at(0, ram('second', 1, [], { nonvolatile: true })),
    ];
    const names = [...printed(container('root', 16, siblings)).matchAll(/(?:nv-)?ram\): .*/g)].map(
      ([text]) => text,
    );
    expect(names).toEqual(['nv-ram): second', 'ram): first', 'ram): low']);
    expect(printMtree([new AddressSpace('empty')])).toBe('address-space: empty\n\n');
    expect(printFlatViews([new AddressSpace('empty')])).toBe(
      'FlatView #0\n AS "empty", root: (none)\n Root memory region: (none)\n  No rendered FlatView\n\n',
    );
  });
});

function printed(root: MemoryRegion, options: MtreeOptions = {}): string {
  const space = new AddressSpace('memory', root);
  const text = printMtree([space], options);
  space.setRoot(null);
  return text;
}
