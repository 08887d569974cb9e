import { MemoryError } from '../../src/base/errors.ts';

/** The message of the MemoryError that `action` throws; any other error is thrown on. */
export function messageOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof MemoryError) return error.message;
    throw error;
  }
  return 'no error';
}
