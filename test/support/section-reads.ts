/** What test/grace/threads.test.ts and the thread that it starts share. */
export interface ReaderTask {
  readonly control: SharedArrayBuffer;
  readonly arena: SharedArrayBuffer;
  /** COUNT_*, written by this thread but for COUNT_STOP. */
  readonly counts: SharedArrayBuffer;
  readonly region: number;
  readonly style: 'checkpoints' | 'sections';
  readonly sabotage: boolean;
}

export const PAGES = 16;
export const COUNT_STOP = 0;
export const COUNT_READS = 1;
export const COUNT_WRONG = 2;
export const COUNT_LAYOUTS = 3;
