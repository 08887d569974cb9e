/** All rows of the benchmark, in the order of the report; one file a cost. */
import { MemoryError } from '../src/base/errors.ts';
import { printProgress } from '../src/cli/output.ts';
import { accessRows } from './access.ts';
import { alternativeRows } from './alternative.ts';
import { attachRows } from './attach.ts';
import { churnRows } from './churn.ts';
import { commitRows } from './commit.ts';
import { graceRows } from './grace.ts';
import { limitRows } from './limit.ts';
import { lookupRows } from './lookup.ts';
import { millionRows } from './million.ts';
import { mmioRows } from './mmio.ts';
import { nativeRows } from './native.ts';
import { renderRows } from './render.ts';
import { scaleRows } from './scale.ts';
import type { Row } from './support/measure.ts';
import { wakeUpRows } from './wake-up.ts';

const ownRows: readonly Row[] = [
  ...limitRows,
  ...wakeUpRows,
  ...accessRows,
  ...mmioRows,
  ...lookupRows,
  ...commitRows,
  ...renderRows,
  ...graceRows,
  ...attachRows,
  ...churnRows,
  ...millionRows,
  ...scaleRows,
  ...alternativeRows,
];

/** Names of the rows that a prefix alone does not choose. */
export const namesOnly: readonly string[] = ownRows
  .filter(({ onlyByName }) => onlyByName)
  .map(({ name }) => name);

/**
 * The rows whose names begin with `prefix`; of those that take long, the one whose whole name it is.
 * @param isNative those of C and QEMU too; what is missing for them here is told on standard error
 * @throws MemoryError INVALID_ARGUMENT if there are none
 */
export function rowsUnder(prefix: string, isNative = false): readonly Row[] {
  const native = isNative ? nativeRows() : { rows: [], missing: [] };
  for (const line of native.missing) printProgress(line);
  const rows = [...ownRows, ...native.rows];
  const chosen = rows.filter(({ name, onlyByName }) =>
    onlyByName ? name === prefix : name.startsWith(prefix),
  );
  if (chosen.length > 0 || (native.missing.length > 0 && prefix.startsWith('native/'))) return chosen;
  const groups = [...new Set(rows.map(({ name }) => `${name.split('/')[0]}/`))].join(', ');
  throw new MemoryError(
    'INVALID_ARGUMENT',
    `--only '${prefix}' is the beginning of no row; give one of ${groups} or a whole name such as access/random-mix`,
  );
}
