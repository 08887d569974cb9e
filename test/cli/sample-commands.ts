/** Small commands, one for each way to end. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { MemoryError } from '../../src/base/errors.ts';
import { onInterrupt } from '../../src/cli/interrupt.ts';
import { integerBetween } from '../../src/cli/options.ts';
import { printJson, printProgress } from '../../src/cli/output.ts';

export function registerSamples(program: Command): void {
  program
    .command('document')
    .argument('[file...]')
    .option('--vcpus <count>', 'workers', integerBetween(1, 16), 2)
    .option('--json', 'one document')
    .action((_files, { vcpus }) => {
      printProgress('on its way');
      printJson({ vcpus, start: 0xfee00000n });
    });
  program.command('check-fails').action(() => {
    process.exitCode = 1;
  });
  program.command('bad-input').action(async () => {
    await sleep(1);
    throw new MemoryError('INVALID_LAYOUT', 'a.json:3:7: not JSON.\n  Mend it.');
  });
  program.command('crash').action(() => {
    throw new TypeError('our own');
  });
  program.command('twice').action(() => {
    printJson(1);
    printJson(2);
  });
  program.command('flood').action(async () => {
    for (let line = 0; line < 100_000; line++) {
      if (!process.stdout.write(`${line}\n`)) await sleep(0);
    }
    await sleep(60_000); // without a reader this is never waited out
  });
  program.command('wait').action(async () => {
    const timer = setTimeout(() => {}, 60_000);
    onInterrupt(async () => {
      await sleep(20);
      process.stdout.write('cleaned up\n');
    });
    onInterrupt(() => process.stdout.write('closed a file\n'));
    onInterrupt(() => process.stdout.write('never wanted\n'))();
    process.stdout.write('ready\n');
    timer.ref();
  });
}
