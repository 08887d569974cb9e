/** What is handed to another thread is cloned; what cannot be is refused at once, where it was given. */
import { MemoryError } from '../base/errors.ts';

/**
 * @param what the thing, as the message names it
 * @throws MemoryError INVALID_ARGUMENT
 */
export function assertPostable(value: unknown, what: string): void {
  try {
    structuredClone(value);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new MemoryError(
      'INVALID_ARGUMENT',
      `${what} is cloned into another thread, and this cannot be (${why}); give plain data and SharedArrayBuffers`,
      { cause: error },
    );
  }
}
