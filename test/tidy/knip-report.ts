/** A knip reporter for tidy.test.ts: one JSON line with what was found and how many files were read. */
import type { ReporterOptions } from 'knip';

export interface KnipReport {
  readonly filesRead: number;
  readonly issues: number;
}

export default function report({ counters }: ReporterOptions): void {
  const { processed, total: _total, ...byKind } = counters;
  const issues = Object.values(byKind).reduce((sum, count) => sum + count, 0);
  const document: KnipReport = { filesRead: processed, issues };
  process.stdout.write(`${JSON.stringify(document)}\n`);
}
