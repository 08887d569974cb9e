/**
 * Reads fields out of parsed JSON, each with its type and bounds.
 * Guarantee: what is returned is valid; what is not throws a MemoryError that names file, field and mend.
 */
import { ADDRESS_LAST, SIZE_2_64 } from '../base/addresses.ts';
import { MemoryError, type MemoryErrorCode } from '../base/errors.ts';

const HEX = /^0x[0-9a-fA-F]{1,32}$/;
const PRIORITY_MIN = -(2 ** 31);
const PRIORITY_MAX = 2 ** 31 - 1;

/** Where errors are found, and under which code they are reported. */
export interface DocumentSource {
  readonly file: string;
  readonly code: MemoryErrorCode;
}

/** One object of the document, with its path from the top. */
export class RecordReader {
  readonly source: DocumentSource;
  readonly path: string;
  private readonly fields: Readonly<Record<string, unknown>>;

  constructor(source: DocumentSource, path: string, value: unknown) {
    this.source = source;
    this.path = path;
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw failure(source, path, `must be an object, is ${kindOf(value)}`);
    }
    this.fields = value as Readonly<Record<string, unknown>>;
  }

  /** A field that is null counts as absent. */
  has(field: string): boolean {
    return (
      Object.hasOwn(this.fields, field) && this.fields[field] !== undefined && this.fields[field] !== null
    );
  }

  string(field: string): string {
    const value = this.required(field);
    return typeof value === 'string' ? value : this.fail(field, `must be a string, is ${kindOf(value)}`);
  }

  stringOrNull(field: string): string | null {
    return this.has(field) ? this.string(field) : null;
  }

  boolean(field: string, absent: boolean): boolean {
    if (!this.has(field)) return absent;
    const value = this.fields[field];
    return typeof value === 'boolean'
      ? value
      : this.fail(field, `must be true or false, is ${kindOf(value)}`);
  }

  oneOf<T extends string>(field: string, choices: readonly T[]): T {
    const value = this.string(field);
    const choice = choices.find((known) => known === value);
    return choice ?? this.fail(field, `must be one of ${choices.join(', ')}, is '${value.slice(0, 40)}'`);
  }

  /** An unsigned 64-bit number. */
  address(field: string, absent?: bigint): bigint {
    return this.unsigned(field, ADDRESS_LAST, '2^64 - 1', absent);
  }

  /** A size in bytes, up to 2^64. */
  size(field: string): bigint {
    return this.unsigned(field, SIZE_2_64, '2^64');
  }

  priority(field: string, absent?: number): number {
    if (absent !== undefined && !this.has(field)) return absent;
    const value = this.required(field);
    if (
      typeof value === 'number' &&
      Number.isInteger(value) &&
      value >= PRIORITY_MIN &&
      value <= PRIORITY_MAX
    ) {
      return value;
    }
    return this.fail(field, `must be an integer from -2^31 to 2^31 - 1, is ${kindOf(value)}`);
  }

  /** The elements of an array, of which there may be `countMax`. */
  array(field: string, countMax: number, absent?: readonly unknown[]): readonly unknown[] {
    if (absent !== undefined && !this.has(field)) return absent;
    const value = this.required(field);
    if (!Array.isArray(value)) return this.fail(field, `must be an array, is ${kindOf(value)}`);
    if (value.length > countMax)
      this.fail(field, `has ${value.length} elements; at most ${countMax} are supported`);
    return value;
  }

  /** The objects in an array field. */
  records(field: string, countMax: number, absent?: readonly unknown[]): RecordReader[] {
    const path = this.pathOf(field);
    return this.array(field, countMax, absent).map((element, index) => this.at(`${path}[${index}]`, element));
  }

  strings(field: string, countMax: number, absent?: readonly unknown[]): string[] {
    const path = this.pathOf(field);
    return this.array(field, countMax, absent).map((element, index) => {
      if (typeof element === 'string') return element;
      throw failure(this.source, `${path}[${index}]`, `must be a string, is ${kindOf(element)}`);
    });
  }

  record(field: string): RecordReader {
    return this.at(this.pathOf(field), this.required(field));
  }

  fail(field: string, what: string): never {
    throw failure(this.source, this.pathOf(field), what);
  }

  private at(path: string, value: unknown): RecordReader {
    return new RecordReader(this.source, path, value);
  }

  private pathOf(field: string): string {
    return this.path === '' ? field : `${this.path}.${field}`;
  }

  private required(field: string): unknown {
    return this.has(field) ? this.fields[field] : this.fail(field, 'is missing');
  }

  private unsigned(field: string, max: bigint, maxName: string, absent?: bigint): bigint {
    if (absent !== undefined && !this.has(field)) return absent;
    const value = unsignedFrom(this.required(field));
    if (value === null) {
      return this.fail(
        field,
        `must be "0x" and hex digits, or an integer from 0 to 2^53 - 1, is ${kindOf(this.fields[field])}`,
      );
    }
    return value <= max
      ? value
      : this.fail(field, `must be at most ${maxName}, is ${kindOf(this.fields[field])}`);
  }
}

function unsignedFrom(value: unknown): bigint | null {
  if (typeof value === 'string') return HEX.test(value) ? BigInt(value) : null;
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return BigInt(value);
  return null;
}

/** An error at `path` of the document, or in the document as a whole. */
export function failure(source: DocumentSource, path: string, what: string): MemoryError {
  return new MemoryError(
    source.code,
    path === '' ? `${source.file}: ${what}` : `${source.file}: ${path}: ${what}`,
  );
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'string') return `'${value.length > 40 ? `${value.slice(0, 40)}…` : value}'`;
  return typeof value === 'object' ? 'an object' : String(value);
}
