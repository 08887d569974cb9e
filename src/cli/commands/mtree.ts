/** `flatview mtree`: imports layouts, renders them, prints them in QEMU's format or as JSON. */
import { text } from 'node:stream/consumers';
import type { Command } from 'commander';
import { MemoryError } from '../../base/errors.ts';
import type { AddressSpace } from '../../model/address-space.ts';
import { flatJsonOf } from '../../qemu/flat-json.ts';
import { buildLayout, parseLayout } from '../../qemu/layout-file.ts';
import { importMtree, type NamedText } from '../../qemu/mtree-parser.ts';
import { type MtreeOptions, printFlatViews, printMtree } from '../../qemu/mtree-printer.ts';
import { readMachine } from '../captured-file.ts';
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

async function mtree(files: readonly string[], options: Options): Promise<void> {
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
  const flat = options.flat === undefined ? undefined : await readText(options.flat);
  const imported: Imported[] = [];
  for (const file of files) imported.push(importText(file, await readText(file), flat));
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

function importText(file: string, named: NamedText, flat: NamedText | undefined): Imported {
  if (/^\uFEFF?\s*[{[]/.test(named.text)) {
    if (flat !== undefined) {
      throw new MemoryError(
        'INVALID_ARGUMENT',
        `--flat: ${named.file} is a layout and leaves nothing out; use --flat with text`,
      );
    }
    return { file, guessed: [], spaces: buildLayout(parseLayout(named.text, named.file)).addressSpaces };
  }
  const { layout, guessed } = importMtree(named, flat);
  return { file, guessed, spaces: buildLayout(layout).addressSpaces };
}

const readText = async (file: string): Promise<NamedText> =>
  file === '-' ? { text: await text(process.stdin), file: shownName(file) } : readMachine(file);

const shownName = (file: string): string => (file === '-' ? 'standard input' : file);

/** Rendering has bounds; that one was reached is told of the file. */
function within<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof MemoryError)) throw error;
    throw new MemoryError('INVALID_LAYOUT', `${shownName(file)}: ${error.message}`, { cause: error });
  }
}
