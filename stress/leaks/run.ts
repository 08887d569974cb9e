/**
 * Machines start and stop; then heap, handles, threads, files and shared bytes must be what they were:
 * `npm run leaks -- --help`.
 *
 * The first machine of each kind comes before the first measurement: it loads modules and fills caches, which stay.
 */
import { endAs } from '../end.ts';
import { print, progress } from '../report.ts';
import { jsonOption, parsed, valued, wholeIn } from '../usage.ts';
import { type Footprint, leaksBetween, settledFootprint } from './footprint.ts';
import { lives, RAM_BYTES } from './lives.ts';

const MACHINES_DEFAULT = 200;
const MACHINES_MAX = 100_000;
/** What the engine keeps of code and of feedback however many machines there were; of each a machine keeps far more. */
const HEAP_ALLOWANCE_BYTES = 6 * 2 ** 20;

const usage = {
  command: 'npm run leaks --',
  about:
    'Starts and ends machines; then heap, handles, threads, files and shared bytes must be what they were.',
  options: {
    machines: valued('N', `how many; ${MACHINES_DEFAULT} where nothing is said`),
    json: jsonOption,
  },
  exit: '0 nothing leaks, 1 something does, 2 bad usage',
} as const;

async function main(machines: number): Promise<{ before: Footprint; after: Footprint; leaks: string[] }> {
  for (const { run } of lives) await run();
  const before = await settledFootprint();
  for (let n = 0; n < machines; n += 1) {
    const life = lives[n % lives.length]!;
    await life.run();
    if ((n + 1) % 20 === 0) progress(`${n + 1} of ${machines} machines`);
  }
  const after = await settledFootprint();
  const allowance = { heapBytes: HEAP_ALLOWANCE_BYTES, virtualBytes: 2 * RAM_BYTES };
  return { before, after, leaks: leaksBetween(before, after, allowance) };
}

await endAs('leaks', async () => {
  const { machines: given, json = false } = parsed(usage, process.argv.slice(2)).values;
  const machines = given === undefined ? MACHINES_DEFAULT : wholeIn('--machines', given, 1, MACHINES_MAX);
  const found = await main(machines);
  if (json) print({ machines, ...found });
  else {
    for (const figure of Object.keys(found.before) as (keyof Footprint)[])
      process.stdout.write(
        `${figure.padEnd(14)} ${found.before[figure]} before, ${found.after[figure]} after\n`,
      );
    process.stdout.write(`${found.leaks.length === 0 ? 'held  ' : 'LEAKS '}  ${machines} machines\n`);
  }
  return found.leaks.length === 0 ? 0 : 1;
});
