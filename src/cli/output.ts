/**
 * What a command writes. Standard output belongs to the result: with --json it is one document and nothing
 * else. Everything that only a person at the terminal wants goes to standard error.
 */

import { hexFromAddress } from '../base/addresses.ts';
import { assert } from '../base/assert.ts';

let documentPrinted = false;

/** Another command begins, in this process. */
export function beginOutput(): void {
  documentPrinted = false;
}

/** Prints the command's one JSON document. Addresses may be bigint: they become `"0x"` + hex. */
export function printJson(document: unknown): void {
  assert(!documentPrinted, 'a command prints one JSON document');
  documentPrinted = true;
  const text = JSON.stringify(
    document,
    (_key, value) => (typeof value === 'bigint' ? hexFromAddress(value) : value),
    2,
  );
  process.stdout.write(`${text}\n`);
}

interface FileText {
  readonly file: string;
  readonly guessed: readonly string[];
  readonly text: string;
}

/** The text of each file, with a heading where there are several; what was guessed is told beside it. */
export function printTexts(texts: readonly FileText[]): void {
  for (const [index, { file, guessed, text }] of texts.entries()) {
    for (const guess of guessed) printProgress(`${file}: guessed: ${guess}`);
    if (texts.length > 1) process.stdout.write(`${index === 0 ? '' : '\n'}==> ${file} <==\n`);
    process.stdout.write(text);
  }
}

/** One line about how it goes, for the person who waits. */
export function printProgress(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** True where a live view makes sense: a terminal that is not a mere sink. */
export const isTerminal = (stream: { readonly isTTY?: boolean }): boolean =>
  stream.isTTY === true && process.env['TERM'] !== 'dumb';
