/**
 * The file that RAM is read from and written back to. It is opened by its path each time, and not held open.
 */
import { closeSync, fstatSync, fsyncSync, openSync, readSync, writeSync } from 'node:fs';
import { describeValue, invalidArgument, optionsFromArgument } from '../base/arguments.ts';
import { MemoryError } from '../base/errors.ts';
import { sharedBuffer } from '../base/shared-memory.ts';
import { booleanFromArgument, nameFromArgument } from './arguments.ts';

export interface RamFileOptions {
  readonly path: string;
  /** First byte in the file; 0 by default. */
  readonly offset?: number;
  /** Bytes from there on; all to the end of the file by default. */
  readonly sizeBytes?: number;
  /** The file is never written, and the region is a ROM. */
  readonly readonly?: boolean;
  /** Whether the bytes are written back when the region is finalised or its machine closed; false by default. */
  readonly writeBack?: boolean;
}

type FileCall = (file: number, bytes: Uint8Array, from: number, count: number, position: number) => number;

/** V8 in Node 20 holds no larger buffer. */
const FILE_BYTES_MAX = 2 ** 32;
/** The system's calls take less than 2 GiB at a time. */
const PIECE_BYTES = 2 ** 30;
const BUFFER_ALIGN = 8;

export class RamFile {
  readonly sizeBytes: number;
  /** The bytes, and up to 7 zeros after them. */
  readonly buffer: SharedArrayBuffer;
  private readonly where: string;
  private readonly path: string;
  private readonly offset: number;
  private readonly isReadonly: boolean;
  private readonly writesBack: boolean;

  /** Reads the bytes. @throws MemoryError RAM_FILE_UNUSABLE, RAM_FILE_TOO_SHORT, RAM_EXHAUSTED, INVALID_ARGUMENT */
  constructor(where: string, options: RamFileOptions) {
    this.where = where;
    this.path = nameFromArgument(`${where}: path`, optionsFromArgument(where, options).path);
    this.offset = bytesFromArgument(where, 'offset', options.offset ?? 0);
    this.isReadonly = booleanFromArgument(where, 'readonly', options.readonly ?? false);
    this.writesBack = booleanFromArgument(where, 'writeBack', options.writeBack ?? false);
    if (this.isReadonly && this.writesBack) {
      throw invalidArgument(where, 'a readonly file cannot be written back; choose one');
    }
    const file = this.open(this.isReadonly ? 'r' : 'r+');
    try {
      this.sizeBytes = this.sizeIn(file, options.sizeBytes);
      this.buffer = this.allocate();
      this.transfer(readSync, file, 0, this.sizeBytes);
    } finally {
      closeSync(file);
    }
  }

  /**
   * Writes `[offset, offset + sizeBytes)` of the region, by default all from `offset` on, to the file, and waits until it is on the disk.
   * @throws MemoryError RAM_FILE_READONLY, RAM_FILE_UNUSABLE, INVALID_ARGUMENT past the end
   */
  write(offset: number, sizeBytes?: number): void {
    const start = bytesFromArgument(this.where, 'offset', offset);
    const size = bytesFromArgument(this.where, 'size', sizeBytes ?? Math.max(0, this.sizeBytes - start));
    const end = start + size;
    if (end > this.sizeBytes) {
      throw invalidArgument(this.where, `${size} bytes from ${offset} on are not in its ${this.sizeBytes}`);
    }
    if (this.isReadonly) {
      throw new MemoryError(
        'RAM_FILE_READONLY',
        `${this.where}: '${this.path}' was opened readonly; make the region without that to write it back`,
      );
    }
    const file = this.open('r+');
    try {
      this.transfer(writeSync, file, offset, size);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
  }

  /** Writes everything back, if that was asked for. Throws as write() does. */
  close(): void {
    if (this.writesBack) this.write(0, this.sizeBytes);
  }

  private open(flags: 'r' | 'r+'): number {
    try {
      return openSync(this.path, flags);
    } catch (error) {
      const purpose = flags === 'r' ? 'reading' : 'reading and writing';
      const mend = flags === 'r' ? '' : '; one that may only be read needs readonly: true';
      throw this.unusable(`cannot be opened for ${purpose}${mend}`, error);
    }
  }

  private unusable(what: string, cause?: unknown): MemoryError {
    const reason = cause instanceof Error ? ` (${cause.message})` : '';
    return new MemoryError('RAM_FILE_UNUSABLE', `${this.where}: '${this.path}' ${what}${reason}`, { cause });
  }

  private sizeIn(file: number, wanted: number | undefined): number {
    const stat = fstatSync(file);
    if (!stat.isFile()) throw this.unusable('is not a file with bytes in it');
    const left = stat.size - this.offset;
    const size = wanted === undefined ? left : bytesFromArgument(this.where, 'sizeBytes', wanted);
    if (left < 0 || size > left) {
      const end = this.offset + Math.max(size, 0);
      throw new MemoryError(
        'RAM_FILE_TOO_SHORT',
        `${this.where}: '${this.path}' has ${stat.size} bytes, but ${end} are needed; lengthen it, or ask for less`,
      );
    }
    return size;
  }

  private allocate(): SharedArrayBuffer {
    const { sizeBytes } = this;
    try {
      if (sizeBytes > FILE_BYTES_MAX) throw new RangeError(`at most ${FILE_BYTES_MAX} fit in one buffer`);
      return sharedBuffer(Math.ceil(sizeBytes / BUFFER_ALIGN) * BUFFER_ALIGN);
    } catch (error) {
      throw new MemoryError(
        'RAM_EXHAUSTED',
        `${this.where}: no buffer for ${sizeBytes} bytes of '${this.path}'; give a smaller sizeBytes`,
        { cause: error },
      );
    }
  }

  /** Reads or writes all of `[offset, offset + size)`. */
  private transfer(call: FileCall, file: number, offset: number, size: number): void {
    for (let done = 0; done < size; ) {
      const piece = new Uint8Array(this.buffer, offset + done, Math.min(size - done, PIECE_BYTES));
      let moved: number;
      try {
        moved = call(file, piece, 0, piece.length, this.offset + offset + done);
      } catch (error) {
        throw this.unusable('fails', error);
      }
      if (moved === 0) throw this.unusable('has become shorter');
      done += moved;
    }
  }
}

function bytesFromArgument(where: string, what: string, value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw invalidArgument(where, `${what} must be a whole number of bytes from 0, got ${describeValue(value)}`);
}
