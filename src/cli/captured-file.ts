/** Reads what a command is given by name or by path: a bundled capture, or a file of the user's. */
import { existsSync, readFileSync } from 'node:fs';
import { MemoryError } from '../base/errors.ts';
import { findMachine, findSequence, machineUrl, sequenceUrl } from '../qemu/catalogue.ts';

export interface CapturedText {
  readonly text: string;
  /** For messages. */
  readonly file: string;
}

/** @throws MemoryError INVALID_ARGUMENT: unknown name (with the known ones), or why the file cannot be read */
export const readMachine = (name: string): CapturedText => read(name, findMachine(name), machineUrl);

export const readSequence = (name: string): CapturedText => read(name, findSequence(name), sequenceUrl);

function read(name: string, bundled: URL | null, refuse: (name: string) => URL): CapturedText {
  if (bundled === null && !existsSync(name) && !looksLikePath(name)) refuse(name);
  try {
    return { text: readFileSync(bundled ?? name, 'utf8'), file: name };
  } catch (error) {
    const why = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    const mend = REASONS[why] ?? `cannot be read (${why}); give a readable file`;
    throw new MemoryError('INVALID_ARGUMENT', `${name}: ${mend}`, { cause: error });
  }
}

const looksLikePath = (name: string): boolean => /[/\\]|\.json$/.test(name);

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file; check the path, or name a bundled capture',
  EACCES: 'may not be read; check its permissions',
  EISDIR: 'is a folder; give a file in it',
};
