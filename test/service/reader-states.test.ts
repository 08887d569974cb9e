/** How far vCPUs are behind, as the control thread reads it. */
import { expect, test } from 'vitest';
import {
  createControlBlock,
  GENERATION_OFFLINE,
  GENERATION_STEP,
  READER_ANNOUNCED,
  readerWord,
  WORD_GENERATION,
} from '../../src/layout/control-block.ts';
import { readerStatesOf } from '../../src/service/reader-states.ts';
import type { VcpuHandle } from '../../src/service/vcpu-handle.ts';

const vcpu = (id: number, phase: string): VcpuHandle => ({ id, phase }) as unknown as VcpuHandle;

test.each([
  ['on the newest generation', 7, 7, { generation: 7, lag: 0 }],
  ['three behind', 13, 7, { generation: 7, lag: 3 }],
  ['behind across the end of the numbers', -(2 ** 31) + 1, 2 ** 31 - 1, { generation: 2 ** 31 - 1, lag: 1 }],
  ['offline, which holds nothing', 13, GENERATION_OFFLINE, { generation: null, lag: 0 }],
])('a vCPU that is %s', (_name, newest, announced, state) => {
  const words = createControlBlock();
  Atomics.store(words, WORD_GENERATION, newest);
  Atomics.store(words, readerWord(3) + READER_ANNOUNCED, announced);
  expect(GENERATION_STEP).toBe(2);
  expect(readerStatesOf(words, [vcpu(3, 'running')])).toEqual([{ id: 3, phase: 'running', ...state }]);
});
