/** Reads what a command is given by name or by path: a bundled capture, or a file of the user's. */
import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import { MemoryError } from '../base/errors.ts';
import { findMachine, findSequence, machineUrl, sequenceUrl } from '../qemu/catalogue.ts';

/** The largest capture has half a megabyte. */
const TEXT_BYTES_MAX = 64 << 20;
const PIECE_BYTES = 1 << 20;
const TOO_LONG = 'TOO_LONG';

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
    return { text: readText(bundled ?? name), file: name };
  } catch (error) {
    throw unreadable(name, error);
  }
}

/** Not more than TEXT_BYTES_MAX, whatever the file says of its size: a device has no end. */
function readText(path: URL | string): string {
  const file = openSync(path, 'r');
  try {
    const text = new BoundedText();
    for (let count = -1; count !== 0; ) {
      const piece = Buffer.allocUnsafe(PIECE_BYTES);
      count = readSync(file, piece);
      text.add(piece.subarray(0, count));
    }
    return text.end();
  } finally {
    closeSync(file);
  }
}

/** Text that is read piece by piece. */
export class BoundedText {
  private readonly pieces: Uint8Array[] = [];
  private sizeBytes = 0;

  /** @throws Error with code TOO_LONG */
  add(piece: Uint8Array): void {
    this.sizeBytes += piece.length;
    if (this.sizeBytes > TEXT_BYTES_MAX) throw Object.assign(new Error('too long'), { code: TOO_LONG });
    this.pieces.push(piece);
  }

  end(): string {
    return Buffer.concat(this.pieces).toString('utf8');
  }
}

const looksLikePath = (name: string): boolean => /[/\\]|\.json$/.test(name);

/** @param error what reading `name` threw */
export function unreadable(name: string, error: unknown): MemoryError {
  const why = error instanceof Error && 'code' in error ? String(error.code) : String(error);
  const mend = REASONS[why] ?? `cannot be read (${why}); give a readable file`;
  return new MemoryError('INVALID_ARGUMENT', `${name}: ${mend}`, { cause: error });
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file; check the path, or name a bundled capture',
  EACCES: 'may not be read; check its permissions',
  EISDIR: 'is a folder; give a file in it',
  [TOO_LONG]: `has more than ${TEXT_BYTES_MAX >> 20} MiB; give a layout or text of info mtree`,
};
