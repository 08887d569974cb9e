/**
 * `npm run -s bench -- [--native] [--only PREFIX] [--json]`: one row a cost, one row at a time.
 * Exit status: 0 measured, 2 bad usage. A row that fails is a fault of ours: status 1 with its stack.
 */
import { cpus } from 'node:os';
import Table from 'cli-table3';
import { Command, CommanderError } from 'commander';
import { MemoryError } from '../src/base/errors.ts';
import { printJson, printProgress } from '../src/cli/output.ts';
import { rowsUnder } from './rows.ts';
import type { Measured } from './support/measure.ts';

/** A line of the report. Times are ns an operation; p99 is that of the samples. */
interface Line extends Measured {
  readonly name: string;
  readonly unit: 'ns/op';
  readonly node: string;
  readonly cpu: string;
}

const UNIT = 'ns/op';
const node = process.version;
const cpu = cpus()[0]?.model.trim() ?? 'unknown';

const rounded = (ns: number): number => Number(ns.toPrecision(4));

async function measureAll(prefix: string, isNative: boolean): Promise<Line[]> {
  const lines: Line[] = [];
  for (const row of rowsUnder(prefix, isNative)) {
    printProgress(row.name);
    const { best, median, p99, samples, threads } = await row.measure();
    lines.push({
      name: row.name,
      unit: UNIT,
      median: rounded(median),
      p99: rounded(p99),
      best: rounded(best),
      samples,
      threads,
      node,
      cpu,
    });
  }
  return lines;
}

function readable(ns: number): string {
  if (ns >= 1e6) return `${(ns / 1e6).toFixed(2)} ms`;
  return ns >= 1e4 ? `${(ns / 1e3).toFixed(1)} us` : `${ns.toFixed(ns >= 100 ? 0 : 2)} ns`;
}

function printTable(lines: readonly Line[]): void {
  const table = new Table({
    head: ['row', 'best', 'median', 'p99', 'samples', 'threads'],
    colAligns: ['left', 'right', 'right', 'right', 'right', 'right'],
    style: { head: [], border: [] },
  });
  for (const { name, best, median, p99, samples, threads } of lines) {
    table.push([name, readable(best), readable(median), readable(p99), samples, threads]);
  }
  process.stdout.write(`${cpu}, ${cpus().length} cores, Node.js ${node}; time an operation\n${table}\n`);
}

const program = new Command('flatview bench')
  .description('Measures what memory accesses, layout changes and grace periods cost on this machine.')
  .option('--only <prefix>', 'measure the rows whose names begin so, such as access/ or mmio/local', '')
  .option('--native', 'measure the same in C and in QEMU too, where they are installed')
  .option('--json', 'print one JSON document')
  .allowExcessArguments(false)
  .exitOverride()
  .configureOutput({ outputError: () => {} })
  .action(async ({ only, json, native }: { only: string; json?: true; native?: true }) => {
    const lines = await measureAll(only, native === true);
    if (json) printJson(lines);
    else printTable(lines);
  });

try {
  await program.parseAsync();
} catch (error) {
  const isUsage = error instanceof CommanderError ? error.exitCode !== 0 : error instanceof MemoryError;
  if (!isUsage && !(error instanceof CommanderError)) throw error;
  if (isUsage) {
    process.stderr.write(`flatview bench: ${(error as Error).message.replace(/^error: /, '')}\n`);
    process.exitCode = 2;
  }
}
