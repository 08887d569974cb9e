/**
 * Machines start and stop; then heap, handles, threads, files and shared bytes must be what they were.
 *
 *   npm run leaks -- [--machines N] [--json]
 *
 * The first machine of each kind comes before the first measurement: it loads modules and fills caches, which stay.
 * Exit: 0 nothing leaks, 1 something does, 2 bad usage.
 */
import { parseArgs } from 'node:util';
import { type Footprint, leaksBetween, settledFootprint } from './footprint.ts';
import { lives, RAM_BYTES } from './lives.ts';

const MACHINES_DEFAULT = 200;
/** What the engine keeps of code and of feedback however many machines there were; of each a machine keeps far more. */
const HEAP_ALLOWANCE_BYTES = 6 * 2 ** 20;

async function main(machines: number): Promise<{ before: Footprint; after: Footprint; leaks: string[] }> {
  for (const { run } of lives) await run();
  const before = await settledFootprint();
  for (let n = 0; n < machines; n += 1) {
    const life = lives[n % lives.length]!;
    await life.run();
    if ((n + 1) % 20 === 0) process.stderr.write(`${n + 1} of ${machines} machines\n`);
  }
  const after = await settledFootprint();
  const allowance = { heapBytes: HEAP_ALLOWANCE_BYTES, virtualBytes: 2 * RAM_BYTES };
  return { before, after, leaks: leaksBetween(before, after, allowance) };
}

const { values } = parseArgs({ options: { machines: { type: 'string' }, json: { type: 'boolean' } } });
const machines = Number(values.machines ?? MACHINES_DEFAULT);
if (Number.isInteger(machines) && machines > 0 && machines <= 100_000) {
  const found = await main(machines);
  if (values.json === true) process.stdout.write(`${JSON.stringify({ machines, ...found }, null, 2)}\n`);
  else {
    for (const figure of Object.keys(found.before) as (keyof Footprint)[])
      process.stdout.write(
        `${figure.padEnd(14)} ${found.before[figure]} before, ${found.after[figure]} after\n`,
      );
    process.stdout.write(`${found.leaks.length === 0 ? 'held  ' : 'LEAKS '}  ${machines} machines\n`);
  }
  process.exitCode = found.leaks.length === 0 ? 0 : 1;
} else {
  process.stderr.write(`leaks: --machines ${values.machines}: give a whole number from 1 to 100000\n`);
  process.exitCode = 2;
}
