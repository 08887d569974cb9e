/** Small texts in the format of `info mtree`, and what becomes of them. */
import { type ImportedText, importMtree } from '../../src/qemu/mtree-parser.ts';

export function imported(tree: string, flat?: string): ImportedText {
  return importMtree(
    { text: tree, file: 'tree.txt' },
    flat === undefined ? undefined : { text: flat, file: 'flat.txt' },
  );
}

export const line = (level: number, text: string): string => `${'  '.repeat(level)}${text}`;
export const range = (start: number, size: number): string =>
  [start, start + size - 1].map((address) => address.toString(16).padStart(16, '0')).join('-');
/** A section of an address space, or of a region, with a tree of lines. */
export const section = (heading: string, ...lines: string[]): string =>
  [heading, ...lines, '', ''].join('\n');
