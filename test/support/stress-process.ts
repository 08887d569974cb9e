/** The commands of stress/ in processes of their own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Verdict } from '../../stress/scenario.ts';

const projectRoot = fileURLToPath(new URL('../../', import.meta.url));

/** For hangs, not for slowness: threads that share two cores with the test runner may be long in coming up. */
const PATIENCE_MS = 100_000;

export interface Run {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs the command to its end: that it ends by itself says that it left no thread behind.
 * @param steer is given the process, for signals, with each piece of its standard error
 */
export function runStress(
  command: 'run' | 'soak',
  args: readonly string[],
  steer: (child: ChildProcess, text: string) => void = () => {},
): Promise<Run> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--import', 'tsx', `stress/${command}.ts`, ...args], {
      cwd: projectRoot,
      timeout: PATIENCE_MS,
      killSignal: 'SIGKILL', // a soak takes SIGTERM for a wish
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
      steer(child, text);
    });
    child.on('error', reject);
    child.on('close', (status) => resolve({ status, stdout, stderr }));
  });
}

export const verdictsOf = ({ stdout }: Run): readonly Verdict[] =>
  (JSON.parse(stdout) as { scenarios: Verdict[] }).scenarios;
