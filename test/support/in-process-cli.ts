/** A command of the command line in this process, as src/cli/main.ts runs it. */
import { vi } from 'vitest';
import { type RegisterCommand, runCommandLine } from '../../src/cli/command-line.ts';

export interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export async function runInProcess(register: RegisterCommand, args: readonly string[]): Promise<Outcome> {
  const output = { stdout: '', stderr: '' };
  const listeners = [process.stdout, process.stderr].map((stream) => ({
    stream,
    before: stream.listeners('error'),
  }));
  for (const name of ['stdout', 'stderr'] as const) {
    vi.spyOn(process[name], 'write').mockImplementation((text) => {
      output[name] += String(text);
      return true;
    });
  }
  try {
    await runCommandLine(args, [register]);
    return { status: Number(process.exitCode ?? 0), ...output };
  } finally {
    process.exitCode = undefined;
    for (const { stream, before } of listeners) {
      for (const added of stream.listeners('error')) {
        if (!before.includes(added)) stream.off('error', added as (error: Error) => void);
      }
    }
    vi.restoreAllMocks();
  }
}
