/** For tests of errors: which one a body throws. */
import { MemoryError } from '../../src/base/errors.ts';

/** Code of the MemoryError that `body` throws; the text of anything else that it throws, undefined if nothing. */
export function codeOf(body: () => void): string | undefined {
  try {
    body();
    return undefined;
  } catch (error) {
    return error instanceof MemoryError ? error.code : String(error);
  }
}
