/** Runs a script of ours as a shell would. */
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));
const nodeArgs = (script: string, args: readonly string[]): string[] => ['--import', 'tsx', script, ...args];

export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export function runScript(script: string, args: readonly string[]): Ended {
  const { status, stdout, stderr } = spawnSync(process.execPath, nodeArgs(script, args), {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  return { status, stdout, stderr };
}

export const flatview = (...args: readonly string[]): Ended => runScript('src/cli/main.ts', args);

export const startFlatview = (...args: readonly string[]): ChildProcessWithoutNullStreams =>
  spawn(process.execPath, nodeArgs('src/cli/main.ts', args), { cwd: root });
