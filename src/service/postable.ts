/** What is handed to another thread is cloned; what cannot be is refused at once, where it was given. */
import type { DeviceModule } from '../base/device-binding.ts';
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

/** @throws MemoryError INVALID_ARGUMENT if the threads that load the device could not share what it is given */
export function assertDeviceData(regionName: string, { state, data }: DeviceModule): void {
  assertPostable(data, `the data of the device of region '${regionName}'`);
  if (state instanceof SharedArrayBuffer) return;
  throw new MemoryError(
    'INVALID_ARGUMENT',
    `the state of the device of region '${regionName}' must be a SharedArrayBuffer, or each thread would get its own copy`,
  );
}
