/**
 * Runs every example in a process of its own, one after the other: `npm run examples`.
 * Fails if one ends with another status than 0 or takes too long, or if there is none.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const EXAMPLE_SECONDS_MAX = 120;

const here = fileURLToPath(new URL('.', import.meta.url));
const names = readdirSync(here)
  .filter((name) => existsSync(`${here}${name}/main.ts`))
  .sort();

let failed = 0;
for (const name of names) {
  console.log(`--- examples/${name}`);
  const started = performance.now();
  const run = spawnSync(process.execPath, ['--import', 'tsx', `${here}${name}/main.ts`], {
    stdio: 'inherit',
    timeout: EXAMPLE_SECONDS_MAX * 1000,
  });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  if (run.status !== 0) failed++;
  console.log(
    `--- examples/${name}: ${run.status === 0 ? 'done' : `failed, ${run.signal ?? run.status}`}, ${seconds} s`,
  );
}
if (names.length === 0) console.log('no examples/*/main.ts found');
process.exitCode = failed > 0 || names.length === 0 ? 1 : 0;
