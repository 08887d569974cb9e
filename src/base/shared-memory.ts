/**
 * Every buffer that threads of the library share is made here, so that those that live can be counted: V8's heap
 * figures do not see them.
 * Guarantee: a buffer counts from when this thread made it until this thread's garbage collector has found that
 * nothing here reaches it. Threads count for themselves what they made.
 */

/** What a thread has made and still reaches. */
export interface SharedMemoryFigures {
  readonly buffers: number;
  /** Reserved; pages that nobody touched cost nothing. */
  readonly bytes: number;
}

let buffers = 0;
let bytes = 0;

const collected = new FinalizationRegistry<number>((sizeBytes) => {
  buffers -= 1;
  bytes -= sizeBytes;
});

/** Zeros. @throws RangeError if the system has no memory for it */
export function sharedBuffer(sizeBytes: number): SharedArrayBuffer {
  const buffer = new SharedArrayBuffer(sizeBytes);
  collected.register(buffer, sizeBytes);
  buffers += 1;
  bytes += sizeBytes;
  return buffer;
}

/** Of this thread: buffers of machines, files and doorbells. */
export const sharedMemory = (): SharedMemoryFigures => ({ buffers, bytes });
