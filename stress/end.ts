/** How a command of stress/ ends: with a status, one line for bad usage, and never because of what is left open. */
import { UsageError } from './usage.ts';

/** What may still be open after the last scenario gets this long before the process ends anyway. */
const LEFTOVERS_MS = 5000;

/**
 * @param name what its lines begin with
 * @param command resolves with the exit status; a UsageError gives its message and 2
 */
export async function endAs(name: string, command: () => Promise<number>): Promise<void> {
  try {
    process.exitCode = await command();
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`${name}: ${error.message}\n`);
    process.exitCode = 2;
  }
  setTimeout(() => {
    process.stderr.write(`${name}: threads or handles are left over\n`);
    process.exit(process.exitCode === 0 ? 1 : process.exitCode);
  }, LEFTOVERS_MS).unref();
}
