/** `flatview run`: the main job. A captured machine, vCPUs that verify every access, and layouts that change. */
import type { Command } from 'commander';
import { parseLayout } from '../../qemu/layout-file.ts';
import type { ChurnRate } from '../../verify/churn-driver.ts';
import { type RunProgress, runPhases } from '../../verify/run-phases.ts';
import { readMachine } from '../captured-file.ts';
import { EXIT_FAILED, type RegisterCommand } from '../command-line.ts';
import { abortable } from '../interrupt.ts';
import { integerBetween, numberBetween, VCPUS_MAX, wordOr } from '../options.ts';
import { isTerminal, printJson, printProgress } from '../output.ts';
import { progressLine, reportText } from '../run-report.ts';

interface Options {
  readonly machine: string;
  readonly vcpus: number;
  readonly seconds: number;
  readonly churn: ChurnRate;
  readonly seed: number;
  readonly json?: true;
}

const SECONDS_MAX = 3600;
const CHURN_MAX = 1_000_000;
const LINE_EVERY_MS = 1000;

export const registerRun: RegisterCommand = registerRunWith(runPhases);

/** @param phases does the work; tests give one that breaks the rules, to see it convicted */
export function registerRunWith(phases: typeof runPhases): RegisterCommand {
  return (program) => describeRun(program).action((options: Options) => run(options, phases));
}

function describeRun(program: Command): Command {
  return program
    .command('run')
    .summary('run a captured machine under layout churn and verify every access')
    .description(
      'Runs a machine captured from QEMU: vCPU workers read and write its RAM and devices through their memory ' +
        'ports, first in peace, then while the layout changes under them. Every answer is compared with the one due.',
    )
    .option('--machine <name|file>', 'a bundled machine, or a flatview-layout/1 file', 'q35')
    .option('--vcpus <count>', 'vCPU workers', integerBetween(1, VCPUS_MAX), 2)
    .option(
      '--seconds <seconds>',
      'length of each of the two phases, quiet and churn',
      numberBetween(0.1, SECONDS_MAX),
      5,
    )
    .option(
      '--churn <rate>',
      'layouts published a second in the second phase: max, a number, or off',
      wordOr(['max', 'off'] as const, numberBetween(0.1, CHURN_MAX)),
      'max',
    )
    .option('--seed <number>', 'of all that is drawn by lot', integerBetween(0, 0x7fffffff), 1)
    .option('--json', 'print the report as one JSON document');
}

async function run(options: Options, phases: typeof runPhases): Promise<void> {
  const { text, file } = readMachine(options.machine);
  const layout = parseLayout(text, file);
  const view = new LiveView();
  await abortable(async (signal) => {
    const running = phases(layout, { ...options, signal }, (progress) => view.show(progress));
    const report = await running.finally(() => view.end());
    if (options.json) printJson(report);
    else process.stdout.write(reportText(report));
    if (report.verification.violations > 0) process.exitCode = EXIT_FAILED;
  });
}

/** One line that is written over, on a terminal; else a line a second. On standard error. */
class LiveView {
  private readonly overwrites = isTerminal(process.stderr);
  private lastMs = 0;
  private isOpen = false;

  show(progress: RunProgress): void {
    const line = progressLine(progress);
    if (this.overwrites) {
      const width = Math.max(20, (process.stderr.columns || 80) - 1);
      process.stderr.write(`\r\x1b[K${line.slice(0, width)}`);
      this.isOpen = true;
    } else if (performance.now() - this.lastMs >= LINE_EVERY_MS) {
      this.lastMs = performance.now();
      printProgress(line);
    }
  }

  /** Removes the line; the report takes its place. */
  end(): void {
    if (this.isOpen) process.stderr.write('\r\x1b[K');
    this.isOpen = false;
  }
}
