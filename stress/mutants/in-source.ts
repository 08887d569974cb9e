/**
 * Breaks in free functions, which no method stands for: one line of a source file reads otherwise while a mutant
 * runs. Node loads the file through break-source.ts, so it must be installed before anything imports it; no file
 * on disk changes. Only the control thread is broken: what is here runs nowhere else.
 */
import { readFileSync } from 'node:fs';
import { register } from 'node:module';

interface SourceLine {
  /** From this folder. */
  readonly file: string;
  /** As it is there, once. */
  readonly line: string;
  readonly instead: string;
}

const lines: Readonly<Record<string, SourceLine>> = {};

export const brokenInSource: readonly string[] = Object.keys(lines);

const urlOf = ({ file }: SourceLine): URL => new URL(file, import.meta.url);

/** To call before src/ is imported. A mutant that breaks something else is left alone. */
export function breakInSource(mutant: string | null): void {
  const broken = mutant === null ? undefined : lines[mutant];
  if (broken === undefined) return;
  const data = { url: urlOf(broken).href, text: brokenText(broken) };
  register('./break-source.ts', { parentURL: import.meta.url, data });
}

/** Tries that the mutant still finds its line. @throws Error if the code has moved away from under it */
export function tryBreakInSource(mutant: string): void {
  const broken = lines[mutant];
  if (broken !== undefined) brokenText(broken);
}

function brokenText(broken: SourceLine): string {
  const { file, line, instead } = broken;
  const parts = readFileSync(urlOf(broken), 'utf8').split(line);
  if (parts.length === 2) return parts.join(instead);
  throw new Error(
    `${file} has '${line}' ${parts.length - 1} times: the mutant that breaks it is out of date`,
  );
}
