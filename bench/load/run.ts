/**
 * `npm run -s load -- [--seconds S] [--rounds N] [--connections N] [--pipelining N] [--batch N] [--vcpus N] [--churn N] [--json]`:
 * throughput over HTTP, on this computer only, in quiet and while layouts change.
 * Exit status: 0 every request was answered with 2xx, 1 one was not, 2 bad usage.
 */
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { type LoadOptions, measureRows, type Row } from './rows.ts';

const DEFAULTS: LoadOptions = {
  seconds: 1,
  rounds: 5,
  connections: 8,
  pipelining: 4,
  batch: 256,
  vcpus: 1,
  churn: 1000,
};

const complain = (line: string): void => void process.stderr.write(`${line}\n`);

function optionsFrom(args: readonly string[]): LoadOptions & { readonly json: boolean } {
  const names = Object.keys(DEFAULTS) as (keyof LoadOptions)[];
  const { values } = parseArgs({
    args: [...args],
    options: {
      json: { type: 'boolean' },
      ...Object.fromEntries(names.map((name) => [name, { type: 'string' } as const])),
    },
  });
  const given = values as Readonly<Record<string, string | boolean | undefined>>;
  const numbers = Object.fromEntries(
    names.map((name) => [name, wholeNumber(name, given[name], DEFAULTS[name])]),
  );
  return { ...DEFAULTS, ...numbers, json: given['json'] === true };
}

function wholeNumber(name: string, text: string | boolean | undefined, absent: number): number {
  if (text === undefined) return absent;
  const value = /^\d{1,6}$/.test(String(text)) ? Number(text) : 0;
  if (value < 1) throw new TypeError(`--${name} '${text}': give a whole number from 1 to 999999`);
  return value;
}

const short = (count: number): string => Math.round(count).toLocaleString('en');

function tableOf(rows: readonly Row[]): string {
  const table = new Table({
    head: [
      'row',
      'requests/s',
      'accesses/s',
      'p50 ms',
      'p99 ms',
      'max ms',
      'failed',
      ': empty',
      ': quiet',
      'layouts/s',
      'cpu us',
    ],
    colAligns: ['left', ...Array.from({ length: 10 }, () => 'right' as const)],
    style: { head: [], border: [] },
  });
  for (const row of rows) {
    table.push([
      ...[
        row.name,
        short(row.requestsPerSecond),
        short(row.accessesPerSecond),
        row.p50Ms,
        row.p99Ms,
        row.maxMs,
      ],
      ...[
        row.non2xx + row.errors,
        row.ratioToEmpty,
        row.ratioToQuiet ?? '',
        short(row.publicationsPerSecond),
        row.cpuUsPerRequest,
      ],
    ]);
  }
  return String(table);
}

async function main(): Promise<void> {
  const { json, ...options } = optionsFrom(process.argv.slice(2));
  const rows = await measureRows(options, complain);
  const about = {
    ...options,
    node: process.version,
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
  };
  if (json) process.stdout.write(`${JSON.stringify({ ...about, rows }, null, 2)}\n`);
  else {
    const { cpu, cores, node, connections, pipelining } = about;
    const heading = `${cores} x ${cpu}, Node ${node}; ${connections} connections, ${pipelining} requests ahead each`;
    process.stdout.write(`${heading}\n${tableOf(rows)}\n`);
  }
  if (rows.some(({ non2xx, errors }) => non2xx + errors > 0)) process.exitCode = 1;
}

try {
  await main();
} catch (error) {
  const isUsage = error instanceof TypeError;
  complain(
    isUsage
      ? `load: ${error.message.split('\n', 1)[0]}`
      : String(error instanceof Error ? error.stack : error),
  );
  process.exitCode = isUsage ? 2 : 1;
}
