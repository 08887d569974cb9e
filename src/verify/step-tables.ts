/**
 * What is due at each sample of a layout that is about to be published, one row for each of the last few
 * steps of a replay. The control thread fills a row before the step that it is for is announced; no vCPU
 * reads a row any more when it is filled again, because all of them have confirmed a later step.
 *
 *   row of the directory   word 0: how many address spaces. Then DIRECTORY_SPACE_WORDS for each:
 *                          its number, its first sample in the row, how many, 1 if its view has another root
 *   row of the samples     SAMPLE_STRIDE_WORDS each: upper half of the address, lower half, size, expectation
 */
import type { SharedWords } from '../layout/control-block.ts';
import { SPACE_COUNT_MAX } from './board.ts';
import { SAMPLE_STRIDE_WORDS } from './probe-program.ts';

export const STEP_ROWS = 4;
export const ROW_SAMPLES_MAX = 16384;
export const SAMPLE_ENTRY = 3;

export const DIRECTORY_SPACE = 0;
export const DIRECTORY_FIRST = 1;
export const DIRECTORY_COUNT = 2;
export const DIRECTORY_SWITCHED = 3;
export const DIRECTORY_SPACE_WORDS = 4;
const DIRECTORY_ROW_WORDS = 1 + SPACE_COUNT_MAX * DIRECTORY_SPACE_WORDS;

export interface StepTables {
  readonly directory: SharedWords;
  readonly samples: SharedWords;
}

export const createStepTables = (): StepTables => ({
  directory: new Int32Array(new SharedArrayBuffer(4 * STEP_ROWS * DIRECTORY_ROW_WORDS)),
  samples: new Int32Array(new SharedArrayBuffer(4 * STEP_ROWS * ROW_SAMPLES_MAX * SAMPLE_STRIDE_WORDS)),
});

export const directoryWord = (step: number): number => (step % STEP_ROWS) * DIRECTORY_ROW_WORDS;
export const sampleWord = (step: number, sample: number): number =>
  ((step % STEP_ROWS) * ROW_SAMPLES_MAX + sample) * SAMPLE_STRIDE_WORDS;

/** The directory's words of address space `space` in the row of `step`; -1 if the step does not have it. */
export function findSpace(directory: SharedWords, step: number, space: number): number {
  const row = directoryWord(step);
  for (let index = directory[row]! - 1; index >= 0; index -= 1) {
    const at = row + 1 + index * DIRECTORY_SPACE_WORDS;
    if (directory[at + DIRECTORY_SPACE] === space) return at;
  }
  return -1;
}
