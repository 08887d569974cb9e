/** How a command ends: with a status, one line for bad usage, and never because of what is left open. */
import { HelpWanted, UsageError } from './usage.ts';

/** What may still be open after the last scenario gets this long before the process ends anyway. */
const LEFTOVERS_MS = 5000;

/**
 * @param name what its lines begin with
 * @param command resolves with the exit status; a UsageError gives its message and 2, HelpWanted its text and 0
 */
export async function endAs(name: string, command: () => Promise<number>): Promise<void> {
  try {
    process.exitCode = await command();
  } catch (error) {
    if (error instanceof HelpWanted) {
      process.stdout.write(error.message);
      return;
    }
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`${name}: ${error.message}\n`);
    process.exitCode = 2;
  }
  setTimeout(() => {
    process.stderr.write(`${name}: threads or handles are left over\n`);
    process.exit(process.exitCode === 0 ? 1 : process.exitCode);
  }, LEFTOVERS_MS).unref();
}
