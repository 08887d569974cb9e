/** `flatview mtree`: imports layouts, renders them, prints them in QEMU's format or as JSON. */
import type { Command } from 'commander';
import { MemoryError } from '../../base/errors.ts';
import { PAGE_BITS_DEFAULT, PAGE_BITS_MAX, PAGE_BITS_MIN } from '../../qemu/dispatch-tree.ts';
import { flatJsonOf } from '../../qemu/flat-json.ts';
import { hierarchyJsonOf } from '../../qemu/hierarchy-json.ts';
import type { FlatViewOptions, MtreeOptions } from '../../qemu/mtree-options.ts';
import { printFlatViews, printMtree } from '../../qemu/mtree-printer.ts';
import { FILES_HELP, type ImportedLayout, importLayouts, withinFile } from '../imported-layout.ts';
import { integerBetween } from '../options.ts';
import { printJson, printTexts } from '../output.ts';

interface Options {
  readonly f?: true;
  readonly d?: true;
  readonly o?: true;
  readonly D?: true;
  readonly json?: true;
  readonly flat?: string;
  readonly pageBits?: number;
}

export function registerMtree(program: Command): void {
  program
    .command('mtree')
    .summary('import layouts, render them, print them')
    .description("Imports layouts, renders them, and prints them in the format of QEMU's info mtree.")
    .argument('<file...>', FILES_HELP)
    .option('-f', 'print the flat views instead of the trees')
    .option('-d', 'with -f or --json: add the dispatch tree that QEMU builds over each flat view')
    .option('-o', 'print the owner of each region')
    .option('-D', 'print disabled regions too')
    .option(
      '--page-bits <n>',
      `with -d: pages have 2^n bytes, as the machine's CPU in QEMU: ${PAGE_BITS_DEFAULT} for most (the default), 8 avr, ` +
        '10 arm boards with an old or M-profile CPU, 13 alpha and sparc64, 14 loongarch64',
      integerBetween(PAGE_BITS_MIN, PAGE_BITS_MAX),
    )
    .option('--json', 'print one JSON document: the trees, unless with -f, and the flat views')
    .option(
      '--flat <flattext>',
      'text of info mtree -f of the same moment, as evidence for what FILE leaves out',
    )
    .action((files: string[], options: Options) => mtree(files, options));
}

async function mtree(files: readonly string[], options: Options): Promise<void> {
  requireSense(files, options);
  const layouts = await importLayouts(files, options.flat);
  if (options.json) printJson(layouts.map((layout) => documentOf(layout, options)));
  else printTexts(layouts.map((layout) => ({ ...layout, text: textOf(layout, options) })));
}

function requireSense(files: readonly string[], { f, d, json, flat, pageBits }: Options): void {
  const refuse = (message: string): never => {
    throw new MemoryError('INVALID_ARGUMENT', message);
  };
  if (d && !f && !json) refuse('-d: dispatch trees belong to flat views, which -f prints; give -f -d');
  if (pageBits !== undefined && !d) refuse('--page-bits: only dispatch trees have pages; give -f -d with it');
  if (flat !== undefined && files.length > 1) refuse('--flat belongs to one FILE; name one at a time');
}

function documentOf(layout: ImportedLayout, options: Options): unknown {
  const { file, guessed, addressSpaces } = layout;
  return withinFile(layout, () => ({
    file,
    guessed,
    ...(!options.f && { tree: hierarchyJsonOf(addressSpaces, treeOptions(options)) }),
    flat: flatJsonOf(addressSpaces, flatOptions(options)),
  }));
}

const textOf = (layout: ImportedLayout, options: Options): string =>
  withinFile(layout, () =>
    options.f
      ? printFlatViews(layout.addressSpaces, flatOptions(options))
      : printMtree(layout.addressSpaces, treeOptions(options)),
  );

const treeOptions = ({ o, D }: Options): MtreeOptions => ({
  showDisabled: D === true,
  showOwners: o === true,
});

const flatOptions = ({ o, d, pageBits = PAGE_BITS_DEFAULT }: Options): FlatViewOptions => ({
  showOwners: o === true,
  ...(d && { dispatchPageBits: pageBits }),
});
