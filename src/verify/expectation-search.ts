/** Finds in which states of a churn plan something is due at an address: to tell a stale map from a wrong one. */
import type { CellBook } from './cell-book.ts';
import { CLASS_HOLE, cellOf, classOf } from './cell-format.ts';
import {
  OPERATION_COUNT,
  SAMPLE_HI,
  SAMPLE_LO,
  SAMPLE_MASK,
  SAMPLE_SIZE,
  SAMPLE_STRIDE_WORDS,
  type StateTables,
} from './probe-program.ts';

/** The states in which a read of four bytes at (hi, lo) is due to find `tag`. */
export function expectationTagAt(
  tables: StateTables,
  book: CellBook,
  group: number,
  hi: number,
  lo: number,
  tag: number,
): number[] {
  const operations = tables.operations.subarray(group * OPERATION_COUNT, (group + 1) * OPERATION_COUNT);
  const operation = operations.find((word) => {
    const at = (word & SAMPLE_MASK) * SAMPLE_STRIDE_WORDS;
    const { samples } = tables;
    return (
      samples[at + SAMPLE_HI] === hi && samples[at + SAMPLE_LO] === lo && samples[at + SAMPLE_SIZE] === 4
    );
  });
  if (operation === undefined) return [];
  const states = Array.from({ length: tables.stateCount }, (_, state) => state);
  return states.filter((state) => {
    const entry = tables.entries[state * tables.sampleCount + (operation & SAMPLE_MASK)]!;
    return classOf(entry) > CLASS_HOLE && book.originOf(cellOf(entry))?.tag === tag;
  });
}
