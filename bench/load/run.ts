/** Throughput over HTTP, on this computer only, in quiet and while layouts change: `npm run -s load -- --help`. */
import { cpus } from 'node:os';
import Table from 'cli-table3';
import { endAs } from '../../stress/end.ts';
import { print, progress } from '../../stress/report.ts';
import { jsonOption, parsed, valued, wholeIn } from '../../stress/usage.ts';
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
const COUNT_MAX = 999_999;

const number = (name: keyof LoadOptions, about: string) =>
  valued('N', `${about}; ${DEFAULTS[name]} where nothing is said`);

const usage = {
  command: 'npm run -s load --',
  about: 'Measures throughput over HTTP, on this computer only, in quiet and while layouts change.',
  options: {
    seconds: number('seconds', 'of each row in each round'),
    rounds: number('rounds', 'rounds over all rows'),
    connections: number('connections', 'connections at a time'),
    pipelining: number('pipelining', 'requests ahead on each'),
    batch: number('batch', 'accesses of one request, where it has many'),
    vcpus: number('vcpus', 'vCPUs that serve'),
    churn: number('churn', 'layout changes a second'),
    json: jsonOption,
  },
  exit: '0 every request was answered with 2xx, 1 one was not, 2 bad usage',
} as const;

function optionsFrom(args: readonly string[]): LoadOptions & { readonly json: boolean } {
  const { json = false, ...given } = parsed(usage, args).values;
  const numbers = Object.entries(given).map(
    ([name, text]) => [name, wholeIn(`--${name}`, text, 1, COUNT_MAX)] as const,
  );
  return { ...DEFAULTS, ...Object.fromEntries(numbers), json };
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

await endAs('load', async () => {
  const { json, ...options } = optionsFrom(process.argv.slice(2));
  const rows = await measureRows(options, progress);
  const about = {
    ...options,
    node: process.version,
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
  };
  if (json) print({ ...about, rows });
  else {
    const { cpu, cores, node, connections, pipelining } = about;
    const heading = `${cores} x ${cpu}, Node ${node}; ${connections} connections, ${pipelining} requests ahead each`;
    process.stdout.write(`${heading}\n${tableOf(rows)}\n`);
  }
  return rows.some(({ non2xx, errors }) => non2xx + errors > 0) ? 1 : 0;
});
