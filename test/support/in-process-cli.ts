/** Commands in this process instead of one of their own: what they print, and their status. */
import { vi } from 'vitest';
import { type RegisterCommand, runCommandLine } from '../../src/cli/command-line.ts';

export interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command of the command line, as src/cli/main.ts runs it. */
export const runInProcess = (register: RegisterCommand, args: readonly string[]): Promise<Outcome> =>
  outcomeOf(() => runCommandLine(args, [register]));

/** Of `run`, which prints, and leaves its status in process.exitCode. */
export async function outcomeOf(run: () => Promise<void>): Promise<Outcome> {
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
    await run();
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
