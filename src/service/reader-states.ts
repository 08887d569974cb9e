/** How far each vCPU is behind what is published: for gauges and for people. Control thread. */
import {
  GENERATION_OFFLINE,
  GENERATION_STEP,
  READER_ANNOUNCED,
  readerWord,
  type SharedWords,
  WORD_GENERATION,
} from '../layout/control-block.ts';
import type { VcpuHandle, VcpuPhase } from './vcpu-handle.ts';

export interface ReaderState {
  /** The vCPU's, which is its reader slot. */
  readonly id: number;
  readonly phase: VcpuPhase;
  /** The generation that it announced last; null while it is offline and holds nothing. */
  readonly generation: number | null;
  /** Generations that began since; 0 for one that is offline. */
  readonly lag: number;
}

export function readerStatesOf(words: SharedWords, vcpus: readonly VcpuHandle[]): ReaderState[] {
  const newest = Atomics.load(words, WORD_GENERATION);
  return vcpus.map(({ id, phase }) => {
    const announced = Atomics.load(words, readerWord(id) + READER_ANNOUNCED); // pairs with GraceReader.announce
    const isOnline = announced !== GENERATION_OFFLINE;
    const lag = isOnline ? Math.max(0, ((newest - announced) | 0) / GENERATION_STEP) : 0;
    return { id, phase, generation: isOnline ? announced : null, lag };
  });
}
