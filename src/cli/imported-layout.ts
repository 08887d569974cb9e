/** What a command is given as FILE: a layout, text of `info mtree`, a bundled machine by name, or `-` for standard input. */
import { MemoryError } from '../base/errors.ts';
import { type BuiltLayout, buildLayout, parseLayout } from '../qemu/layout-file.ts';
import { importMtree, type NamedText } from '../qemu/mtree-parser.ts';
import { BoundedText, readMachine, unreadable } from './captured-file.ts';

export interface ImportedLayout extends BuiltLayout {
  /** As it was given. */
  readonly file: string;
  /** What the text left out. */
  readonly guessed: readonly string[];
}

export const FILES_HELP =
  'a layout, text of info mtree (best with -D), a bundled machine by name, or - for stdin';

/**
 * Reads and builds each file.
 * @param flatFile text of info mtree -f of the same moment, for one file of text
 * @throws MemoryError INVALID_ARGUMENT for a file that cannot be read, or `-` twice; what the importer throws
 */
export async function importLayouts(files: readonly string[], flatFile?: string): Promise<ImportedLayout[]> {
  if ([...files, flatFile].filter((file) => file === '-').length > 1) {
    throw new MemoryError(
      'INVALID_ARGUMENT',
      "'-' is given twice, but there is one standard input; give a file name",
    );
  }
  const flat = flatFile === undefined ? undefined : await readText(flatFile);
  const imported: ImportedLayout[] = [];
  for (const file of files) imported.push(importText(file, await readText(file), flat));
  return imported;
}

/** Rendering has bounds; that one was reached is told of the file. */
export function withinFile<T>({ file }: ImportedLayout, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof MemoryError)) throw error;
    throw new MemoryError('INVALID_LAYOUT', `${shownName(file)}: ${error.message}`, { cause: error });
  }
}

function importText(file: string, named: NamedText, flat: NamedText | undefined): ImportedLayout {
  if (/^\uFEFF?\s*[{[]/.test(named.text)) {
    if (flat !== undefined) {
      throw new MemoryError(
        'INVALID_ARGUMENT',
        `--flat: ${named.file} is a layout and leaves nothing out; use --flat with text`,
      );
    }
    return { file, guessed: [], ...buildLayout(parseLayout(named.text, named.file)) };
  }
  const { layout, guessed } = importMtree(named, flat);
  return { file, guessed, ...buildLayout(layout) };
}

const readText = async (file: string): Promise<NamedText> =>
  file === '-' ? { text: await standardInput(), file: shownName(file) } : readMachine(file);

async function standardInput(): Promise<string> {
  const text = new BoundedText();
  try {
    for await (const piece of process.stdin) text.add(piece as Buffer);
  } catch (error) {
    throw unreadable(shownName('-'), error);
  }
  return text.end();
}

const shownName = (file: string): string => (file === '-' ? 'standard input' : file);
