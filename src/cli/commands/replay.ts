/** `flatview replay`: captured sequences of layout changes on a live machine, verified step by step. */
import type { Command } from 'commander';
import { hexFromAddress } from '../../base/addresses.ts';
import { parseSequence, type Sequence } from '../../qemu/sequence-file.ts';
import { LiveReplay, type StepReport } from '../../verify/live-replay.ts';
import type { Verification } from '../../verify/live-run.ts';
import { readSequence } from '../captured-file.ts';
import { EXIT_FAILED } from '../command-line.ts';
import { abortable } from '../interrupt.ts';
import { integerBetween, VCPUS_MAX } from '../options.ts';
import { printJson, printProgress } from '../output.ts';
import { exampleLine } from '../run-report.ts';

interface Options {
  readonly vcpus: number;
  readonly json?: true;
}

interface FileReport {
  readonly file: string;
  readonly steps: readonly StepReport[];
  readonly verification: Verification;
}

export function registerReplay(program: Command): void {
  program
    .command('replay')
    .summary('replay captured layout changes on a live machine')
    .description(
      'Applies each step of a captured sequence as one transaction to a machine whose vCPUs keep reading, ' +
        'verifies their every access, and compares our flat views with those in the file.',
    )
    .argument('<file...>', 'a flatview-sequence/1 file, or a bundled sequence by name')
    .option('--vcpus <count>', 'vCPU workers', integerBetween(1, VCPUS_MAX), 2)
    .option('--json', 'print the steps as one JSON document')
    .action((files: string[], options: Options) => replay(files, options));
}

async function replay(files: readonly string[], options: Options): Promise<void> {
  const sequences = files.map((name) => {
    const { text, file } = readSequence(name);
    return { file: name, sequence: parseSequence(text, file) };
  });
  await abortable((signal) => replayAll(sequences, options, signal));
}

async function replayAll(
  sequences: readonly { readonly file: string; readonly sequence: Sequence }[],
  options: Options,
  signal: AbortSignal,
): Promise<void> {
  const reports: FileReport[] = [];
  for (const { file, sequence } of sequences) {
    if (signal.aborted) break;
    printProgress(`${file}: ${sequence.steps.length} steps, ${options.vcpus} vCPUs`);
    const report = await replayFile(file, sequence, options.vcpus, signal);
    reports.push(report);
    if (report.verification.violations > 0) process.exitCode = EXIT_FAILED;
    if (options.json) printProgress(summaryLine(report));
    else process.stdout.write(reportText(report));
  }
  if (options.json) printJson(reports.map(documentFrom));
}

async function replayFile(
  file: string,
  sequence: Sequence,
  vcpus: number,
  signal: AbortSignal,
): Promise<FileReport> {
  const live = new LiveReplay({ vcpus });
  try {
    const steps: StepReport[] = [];
    for (const step of sequence.steps) {
      if (signal.aborted) break;
      steps.push(await live.apply(step));
    }
    await live.finish();
    return { file, steps, verification: live.verification() };
  } finally {
    await live.close();
  }
}

const documentFrom = ({ file, steps, verification }: FileReport) => ({
  file,
  steps,
  violations: verification.violations,
  checked: verification.checked,
  examples: verification.examples,
});

function summaryLine({ file, steps, verification }: FileReport): string {
  const { checked, violations } = verification;
  return `${file}: ${steps.length} steps, ${checked} accesses checked, ${violations} violations`;
}

function reportText(report: FileReport): string {
  const { steps, verification } = report;
  return [
    `${report.file}:`,
    '  step  mutations  generation  commit µs  action, and what answers differently',
    ...steps.map(stepLine),
    `  ${steps.length} steps, ${verification.checked} accesses checked, ${verification.violations} violations`,
    ...verification.examples.map(exampleLine),
    '',
  ].join('\n');
}

const WINDOWS_SHOWN = 3;

function stepLine(step: StepReport, index: number): string {
  const shown = step.changed
    .slice(0, WINDOWS_SHOWN)
    .map(
      ({ addressSpace, start, last }) => `${addressSpace} ${hexFromAddress(start)}-${hexFromAddress(last)}`,
    );
  const more = step.changed.length - shown.length;
  const changes = [...shown, ...(more > 0 ? [`${more} more`] : [])].join(', ');
  return [
    String(index).padStart(6),
    String(step.mutations).padStart(9),
    String(step.generation).padStart(10),
    step.commitUs.toFixed(1).padStart(9),
    `${step.action}${changes === '' ? '' : `: ${changes}`}`,
  ].join('  ');
}
