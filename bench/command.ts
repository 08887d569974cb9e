/**
 * `npm run -s bench -- [--only PREFIX] [--json] [--compare FILE]`: one row a cost, one row at a time.
 * `--map-size [MACHINE]` and `--plots [FOLDER] [--only PREFIX]` are reports of their own.
 * Exit status: 0 measured, 2 bad usage or input. A row that fails is a fault of ours: status 1 with its stack.
 */
import { Command, CommanderError, Option } from 'commander';
import { MemoryError } from '../src/base/errors.ts';
import { printJson, printProgress } from '../src/cli/output.ts';
import { mapSizes } from './map-size.ts';
import { drawPlots, PLOTS_FOLDER } from './plots/plots.ts';
import { compareRuns } from './report/comparison.ts';
import { readEarlierRun } from './report/earlier-run.ts';
import { measureLines } from './report/line.ts';
import { comparisonTable, mapSizeTable, timeTable } from './report/tables.ts';
import { namesOnly, rowsUnder } from './rows.ts';

interface Options {
  readonly only: string;
  readonly native?: true;
  readonly json?: true;
  readonly compare?: string;
  readonly mapSize?: string;
  readonly plots?: string;
}

const MACHINE = 'q35';

const print = (...parts: readonly string[]): void => void process.stdout.write(`${parts.join('\n\n')}\n`);

/** Input is read before anything is measured: a run takes minutes. */
async function report({ only, native, json, compare }: Options): Promise<void> {
  const rows = rowsUnder(only, native === true);
  const earlier = compare === undefined ? null : readEarlierRun(compare);
  const measured = await measureLines(rows);
  const { lines, onlyBefore } =
    earlier === null ? { lines: measured, onlyBefore: [] } : compareRuns(measured, earlier, only);
  if (json) {
    for (const name of onlyBefore) printProgress(`only in ${compare}: ${name}`);
    printJson(lines);
    return;
  }
  const comparison = earlier === null ? [] : [comparisonTable(lines, earlier, onlyBefore)];
  const sizes = only === '' ? [mapSizeTable(await mapSizes(MACHINE))] : [];
  print(timeTable(lines), ...comparison, ...sizes);
}

async function reportMapSizes(machine: string, json: boolean): Promise<void> {
  const sizes = await mapSizes(machine);
  if (json) printJson(sizes);
  else print(mapSizeTable(sizes));
}

const HELP = `
Rows:
  Times are ns an operation. A row's fields in JSON: name, unit, median, p99, best, p25, p75, samples, threads,
  node, cpu; with --compare also compared (medianRatio, bestRatio, spread, verdict, medianBefore; null if the
  earlier run lacks the row); some have figures, whose names end in the unit.
  Only by its whole name, because it takes minutes or gigabytes: ${namesOnly.join(', ')}.
Comparing:
  A ratio is now : before, so below 1 is faster. Its spread goes from the ratio of this run's 25th percentile to
  the other's 75th up to the reverse; rows whose spread leaves 1 out are marked. It knows the noise inside the
  two runs only: on a machine that others use too, alternate several runs before believing a mark.
Plots:
  cost-by-regions.svg, readers-under-churn.svg and throughput-by-vcpus.svg, measured on the spot in about two
  minutes; with --only those whose names begin so. Every file holds its figures as text.
Examples:
  npm run -s bench -- --only access/
  npm run -s bench -- --native --only native/random-mix
  npm run -s bench -- --json > before.json
  npm run -s bench -- --compare before.json
  npm run -s bench -- --only churn/million`;

const program = (): Command =>
  new Command('flatview bench')
    .description('Measures what memory accesses, layout changes and grace periods cost on this machine.')
    .option(
      '--only <prefix>',
      'measure the rows (or draw the plots) whose names begin so, such as access/',
      '',
    )
    .option('--native', 'measure the same in C and in QEMU too, where they are installed')
    .option('--json', 'print one JSON document')
    .option('--compare <file>', 'compare with the --json document of an earlier run')
    .addOption(
      new Option('--map-size [machine]', 'print what the published maps of a bundled machine weigh')
        .preset(MACHINE)
        .conflicts(['only', 'compare', 'plots']),
    )
    .addOption(
      new Option('--plots [folder]', 'measure for the plots and write them as SVG files')
        .preset(PLOTS_FOLDER)
        .conflicts(['compare', 'json']),
    )
    .addHelpText('after', HELP)
    .allowExcessArguments(false)
    .exitOverride()
    .configureOutput({ outputError: () => {} })
    .action(async (options: Options) => {
      if (options.plots !== undefined) print((await drawPlots(options.plots, options.only)).join('\n'));
      else if (options.mapSize !== undefined) await reportMapSizes(options.mapSize, options.json ?? false);
      else await report(options);
    });

/** Does what `args` ask for (without node and script) and leaves the status in process.exitCode. */
export async function runBench(args: readonly string[]): Promise<void> {
  try {
    await program().parseAsync(args, { from: 'user' });
  } catch (error) {
    const isUsage = error instanceof CommanderError ? error.exitCode !== 0 : error instanceof MemoryError;
    if (!isUsage && !(error instanceof CommanderError)) throw error;
    if (isUsage) {
      process.stderr.write(`flatview bench: ${(error as Error).message.replace(/^error: /, '')}\n`);
      process.exitCode = 2;
    }
  }
}
