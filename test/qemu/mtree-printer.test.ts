/** Our text is QEMU's, line by line, wherever QEMU defines the order. */
import { describe, expect, test } from 'vitest';
import { buildLayout, parseLayout } from '../../src/qemu/layout-file.ts';
import { type MtreeOptions, printFlatViews, printMtree } from '../../src/qemu/mtree-printer.ts';
import { machineCaptures, textCaptures } from '../support/captures.ts';

/** Sections end with an empty line; their order is that of a hash in QEMU. */
const sections = (text: string): string[] =>
  text
    .split('\n\n')
    .filter((section) => section !== '')
    .sort();

/** Likewise the number of a view and the order of the address spaces that share it. */
const views = (text: string): string[] =>
  sections(text)
    .map((section) => {
      const lines = section.trimEnd().split('\n').slice(1);
      const isSpace = (line: string): boolean => line.startsWith(' AS "');
      return [...lines.filter(isSpace).sort(), ...lines.filter((line) => !isSpace(line))].join('\n');
    })
    .sort();

const layouts = new Map(machineCaptures().map(({ name, text }) => [name, text]));
const texts = textCaptures().filter(({ name }) => layouts.has(name));

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
