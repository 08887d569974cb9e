/** All rows of the benchmark, in the order of the report; one file a cost. */
import { MemoryError } from '../src/base/errors.ts';
import { accessRows } from './access.ts';
import { alternativeRows } from './alternative.ts';
import { attachRows } from './attach.ts';
import { commitRows } from './commit.ts';
import { graceRows } from './grace.ts';
import { limitRows } from './limit.ts';
import { lookupRows } from './lookup.ts';
import { mmioRows } from './mmio.ts';
import { renderRows } from './render.ts';
import type { Row } from './support/measure.ts';

const rows: readonly Row[] = [
  ...limitRows,
  ...accessRows,
  ...mmioRows,
  ...lookupRows,
  ...commitRows,
  ...renderRows,
  ...graceRows,
  ...attachRows,
  ...alternativeRows,
];

/**
 * The rows whose names begin with `prefix`.
 * @throws MemoryError INVALID_ARGUMENT if there are none
 */
export function rowsUnder(prefix: string): readonly Row[] {
  const chosen = rows.filter(({ name }) => name.startsWith(prefix));
  if (chosen.length > 0) return chosen;
  const groups = [...new Set(rows.map(({ name }) => `${name.split('/')[0]}/`))].join(', ');
  throw new MemoryError(
    'INVALID_ARGUMENT',
    `--only '${prefix}' is the beginning of no row; give one of ${groups} or a whole name such as access/random-mix`,
  );
}
