/**
 * The protocols' models under Spin: `npm run -s model -- --help` says how it is used and what its status means.
 * Every verifier is made in a temporary directory, which is removed. Verifiers run beside each other, one a core.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { endAs } from '../end.ts';
import { print, progress } from '../report.ts';
import { parseModelArguments } from './arguments.ts';
import { type Check, checks } from './models.ts';
import { findTools, type Outcome, ToolMissing, type Tools, verify } from './verify.ts';

const TOOLS: Tools = { spin: 'spin', cc: 'cc' };
const STATUS_NO_TOOLS = 3;
/** Some take half a gigabyte. */
const BESIDE_MAX = 4;

async function main(args: readonly string[]): Promise<number> {
  const { only, json } = parseModelArguments(args);
  const spin = await findTools(TOOLS);
  const sinceMs = performance.now();
  const chosen = checks.filter(({ model }) => only.length === 0 || only.includes(model));
  if (!json) process.stdout.write(`${headOfTable}\n`);
  const outcomes: Outcome[] = [];
  for await (const outcome of verifyAll(chosen)) {
    outcomes.push(outcome);
    if (!json) process.stdout.write(rowOf(outcome));
  }
  const seconds = Math.round((performance.now() - sinceMs) / 100) / 10;
  const failures = outcomes.filter(({ passed }) => !passed).length;
  if (json) print({ spin, seconds, failures, checks: outcomes });
  else
    process.stdout.write(
      `${outcomes.length - failures} of ${outcomes.length} as they must be, ${seconds} s, Spin ${spin}\n`,
    );
  return failures === 0 ? 0 : 1;
}

/** In their order, though they run beside each other. */
async function* verifyAll(chosen: readonly Check[]): AsyncGenerator<Outcome> {
  const directory = await mkdtemp(join(tmpdir(), 'flatview-model-'));
  const running: Promise<Outcome>[] = [];
  let next = 0;
  const start = (): void => {
    if (next >= chosen.length) return;
    running.push(verify(chosen[next]!, TOOLS, join(directory, String(next))));
    next += 1;
  };
  try {
    for (let count = Math.min(availableParallelism(), BESIDE_MAX); count > 0; count -= 1) start();
    for (let outcome = running.shift(); outcome !== undefined; outcome = running.shift()) {
      yield await outcome;
      start();
    }
  } finally {
    await Promise.allSettled(running);
    await rm(directory, { recursive: true, force: true });
  }
}

const headOfTable = row('model', 'variant', 'property', 'states', 'depth', 'seconds', 'verdict');

function rowOf({
  model,
  variant,
  property,
  defines,
  states,
  depth,
  seconds,
  verdict,
  passed,
  ...rest
}: Outcome): string {
  const what = variant ?? (defines.length === 0 ? 'as it is' : `as it is, ${defines.join(' ')}`);
  const numbers = [String(states), String(depth), seconds.toFixed(2)] as const;
  const line = `${row(model, what, property, ...numbers, passed ? verdict : `${verdict}: WRONG`)}\n`;
  return passed ? line : [line, `  ${rest.detail}\n`, ...rest.trail.map((step) => `  ${step}\n`)].join('');
}

function row(
  ...[model, variant, property, states, depth, seconds, verdict]: readonly [
    string,
    string,
    string,
    string,
    string,
    string,
    string,
  ]
): string {
  const left = `${model.padEnd(15)} ${variant.padEnd(29)} ${property.padEnd(8)}`;
  return `${left} ${states.padStart(9)} ${depth.padStart(7)} ${seconds.padStart(8)}  ${verdict}`;
}

await endAs('model', async () => {
  try {
    return await main(process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof ToolMissing)) throw error;
    progress(`model: nothing was checked: no ${error.message} here; on Debian, apt-get install spin gcc`);
    return STATUS_NO_TOOLS;
  }
});
