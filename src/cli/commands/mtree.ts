/** `flatview mtree`: imports layouts, renders them, prints them in QEMU's format or as JSON. */
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { MemoryError } from '../../base/errors.ts';
import type { AddressSpace } from '../../model/address-space.ts';
import { findMachine, machineUrl } from '../../qemu/catalogue.ts';
import { flatJsonOf } from '../../qemu/flat-json.ts';
import { buildLayout, parseLayout } from '../../qemu/layout-file.ts';
import { importMtree, type NamedText } from '../../qemu/mtree-parser.ts';
import { type MtreeOptions, printFlatViews, printMtree } from '../../qemu/mtree-printer.ts';
import { printJson, printProgress } from '../output.ts';

interface Options {
  readonly f?: true;
  readonly d?: true;
  readonly o?: true;
  readonly D?: true;
  readonly json?: true;
  readonly flat?: string;
}

interface Imported {
  readonly file: string;
  readonly guessed: readonly string[];
  readonly spaces: readonly AddressSpace[];
}

export function registerMtree(program: Command): void {
  program
    .command('mtree')
    .summary('import layouts, render them, print them')
    .description("Imports layouts, renders them, and prints them in the format of QEMU's info mtree.")
    .argument(
      '<file...>',
      'a layout, text of info mtree (best with -D), a bundled machine by name, or - for stdin',
    )
    .option('-f', 'print the flat views instead of the trees')
    .option('-d', 'with -f: print dispatch trees too (not there yet)')
    .option('-o', 'print the owner of each region')
    .option('-D', 'print disabled regions too')
    .option('--json', 'print the flat views as one JSON document')
    .option(
      '--flat <flattext>',
      'text of info mtree -f of the same moment, as evidence for what FILE leaves out',
    )
    .action((files: string[], options: Options) => mtree(files, options));
}

function mtree(files: readonly string[], options: Options): void {
  if (options.d) {
    throw new MemoryError('INVALID_ARGUMENT', '-d: dispatch trees come with a later version; leave -d out');
  }
  if (options.flat !== undefined && files.length > 1) {
    throw new MemoryError('INVALID_ARGUMENT', '--flat belongs to one FILE; name one at a time');
  }
  if ([...files, options.flat].filter((file) => file === '-').length > 1) {
    throw new MemoryError(
      'INVALID_ARGUMENT',
      "'-' is given twice, but there is one standard input; give a file name",
    );
  }
  const flat =
    options.flat === undefined ? undefined : { text: readText(options.flat), file: shownName(options.flat) };
  const imported = files.map((file) => importFile(file, flat));
  if (options.json) {
    printJson(
      imported.map(({ file, guessed, spaces }) => ({
        file,
        guessed,
        flat: within(file, () => flatJsonOf(spaces)),
      })),
    );
    return;
  }
  for (const [index, machine] of imported.entries()) {
    for (const guess of machine.guessed) printProgress(`${machine.file}: guessed: ${guess}`);
    if (imported.length > 1) process.stdout.write(`${index === 0 ? '' : '\n'}==> ${machine.file} <==\n`);
    process.stdout.write(printed(machine, options));
  }
}

function printed({ file, spaces }: Imported, { f, o, D }: Options): string {
  const what: MtreeOptions = { showDisabled: D === true, showOwners: o === true };
  return within(file, () => (f ? printFlatViews(spaces, what) : printMtree(spaces, what)));
}

function importFile(file: string, flat: NamedText | undefined): Imported {
  const text = readText(file);
  const name = shownName(file);
  if (/^\uFEFF?\s*[{[]/.test(text)) {
    if (flat !== undefined) {
      throw new MemoryError(
        'INVALID_ARGUMENT',
        `--flat: ${name} is a layout and leaves nothing out; use --flat with text`,
      );
    }
    return { file, guessed: [], spaces: buildLayout(parseLayout(text, name)).addressSpaces };
  }
  const { layout, guessed } = importMtree({ text, file: name }, flat);
  return { file, guessed, spaces: buildLayout(layout).addressSpaces };
}

/** A file that exists comes before a bundled machine of the same name. */
function readText(file: string): string {
  if (file === '-') return readFileSync(0, 'utf8');
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code !== 'ENOENT')
      throw new MemoryError('INVALID_ARGUMENT', `cannot read ${file}: ${reason(cause)}`, { cause });
    if (findMachine(file) === null && /[./\\]/.test(file)) {
      throw new MemoryError(
        'INVALID_ARGUMENT',
        `${file}: there is no such file; give a layout or text of info mtree`,
      );
    }
    return readFileSync(machineUrl(file), 'utf8');
  }
}

const shownName = (file: string): string => (file === '-' ? 'standard input' : file);

const reason = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));

/** Rendering has bounds; that one was reached is told of the file. */
function within<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof MemoryError)) throw error;
    throw new MemoryError('INVALID_LAYOUT', `${shownName(file)}: ${error.message}`, { cause: error });
  }
}
