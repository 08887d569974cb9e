import { UsageError } from '../../stress/usage.ts';

/** The one line by which a stress command refuses `action`; any other error is thrown on. */
export function refusalOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof UsageError && !error.message.includes('\n')) return error.message;
    throw error;
  }
  return 'not refused';
}
