/**
 * Reads the `--json` document of an earlier run.
 * Guarantee: what is returned is valid; what is not is refused with file, field and mend in one line.
 */
import { readFileSync } from 'node:fs';
import { MemoryError } from '../../src/base/errors.ts';
import { parseJson } from '../../src/qemu/json-document.ts';
import { type DocumentSource, failure, RecordReader } from '../../src/qemu/record-reader.ts';
import { UNIT } from './line.ts';

/** A row of it. Fields that the contract does not promise are null where the run was of another version. */
export interface EarlierRow {
  readonly name: string;
  readonly median: number;
  readonly best: number | null;
  readonly p25: number | null;
  readonly p75: number | null;
  readonly node: string;
  readonly cpu: string;
}

const MEND = 'give the document that npm run -s bench -- --json printed';
const ROWS_MAX = 10_000;

/** @throws MemoryError INVALID_ARGUMENT */
export function readEarlierRun(file: string): EarlierRow[] {
  const source: DocumentSource = { file, code: 'INVALID_ARGUMENT' };
  const document = parseJson(textOf(file), file, source.code);
  if (!Array.isArray(document)) throw failure(source, '', `is no array of rows; ${MEND}`);
  const reader = new RecordReader(source, '', { row: document });
  const rows = reader.records('row', ROWS_MAX).map((record, i) => rowFrom(record, document[i]));
  const names = new Set<string>();
  for (const [i, { name }] of rows.entries()) {
    if (names.has(name)) reader.fail(`row[${i}].name`, `'${name}' is there twice; ${MEND}`);
    names.add(name);
  }
  return rows;
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const why = error instanceof Error && 'code' in error ? error.code : error;
    throw new MemoryError('INVALID_ARGUMENT', `${file}: --compare cannot read it (${why}); ${MEND}`);
  }
}

function rowFrom(record: RecordReader, fields: Readonly<Record<string, unknown>>): EarlierRow {
  const unit = record.string('unit');
  if (unit !== UNIT) record.fail('unit', `must be ${UNIT}, is '${unit.slice(0, 40)}'; ${MEND}`);
  const time = (field: string): number => {
    const value = fields[field];
    if (typeof value === 'number' && value > 0) return value;
    return record.fail(field, `must be a number of nanoseconds above 0; ${MEND}`);
  };
  const timeOrNull = (field: string): number | null => (record.has(field) ? time(field) : null);
  return {
    name: record.string('name'),
    median: time('median'),
    best: timeOrNull('best'),
    p25: timeOrNull('p25'),
    p75: timeOrNull('p75'),
    node: record.string('node'),
    cpu: record.string('cpu'),
  };
}
