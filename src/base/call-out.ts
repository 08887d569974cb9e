/**
 * Calls a function of the caller's. What it throws must neither stop what comes after it nor fail the work
 * in whose course it is called: it reaches the process as an uncaught exception.
 */
export function callOut(callback: () => void): void {
  try {
    callback();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
