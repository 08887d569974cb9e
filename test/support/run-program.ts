/** Runs a program of the repository in a process of its own, as a reader would. */
import { spawn } from 'node:child_process';

export interface ProgramRun {
  readonly stdout: string;
  readonly stderr: string;
  readonly status: number | null;
}

const BOUND_MS = 50_000;
const project = new URL('../../', import.meta.url);

/** @param path of a TypeScript file, from the project's root. It is ended if it does not end by itself. */
export function runProgram(path: string): Promise<ProgramRun> {
  // Devices are required, and the library with them: the same files in another shape, which coverage could not
  // tell apart.
  const env = { ...process.env, NODE_V8_COVERAGE: undefined };
  const child = spawn(process.execPath, ['--import', 'tsx', path], { cwd: project, env, timeout: BOUND_MS });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status) => resolve({ stdout, stderr, status }));
  });
}
