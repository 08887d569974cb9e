/** Commands in this process instead of one of their own: what they print, and their status. */
import { type RegisterCommand, runCommandLine } from '../../src/cli/command-line.ts';

export interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command of the command line, or one of several, as src/cli/main.ts runs it. */
export const runInProcess = (
  commands: RegisterCommand | readonly RegisterCommand[],
  args: readonly string[],
): Promise<Outcome> => outcomeOf(() => runCommandLine(args, [commands].flat()));

/** Of `run`, which prints, and leaves its status in process.exitCode. */
export async function outcomeOf(run: () => Promise<void>): Promise<Outcome> {
  const output = { stdout: '', stderr: '' };
  const streams = (['stdout', 'stderr'] as const).map((name) => {
    const stream = process[name];
    const known = { stream, write: stream.write, before: stream.listeners('error') };
    stream.write = ((text: unknown) => {
      output[name] += String(text);
      return true;
    }) as typeof stream.write;
    return known;
  });
  try {
    await run();
    return { status: Number(process.exitCode ?? 0), ...output };
  } finally {
    process.exitCode = undefined;
    for (const { stream, write, before } of streams) {
      stream.write = write;
      for (const added of stream.listeners('error')) {
        if (!before.includes(added)) stream.off('error', added as (error: Error) => void);
      }
    }
  }
}
