/** Makes publications slow on purpose, for what may happen between two stores of one. */
import { ADDRESS_SPACE_COUNT_MAX, rootWord, type SharedWords } from '../src/layout/control-block.ts';
import type { Random } from '../src/verify/random.ts';
import { spin } from './vcpu-side.ts';

/** About 10 ns each. */
const TURNS_MAX = 60_000;
const SLOW_ONE_IN = 4;

/** Puts a pause after some of this thread's stores to root words. Returns how to end that. */
export function slowRoots({ buffer }: SharedWords, random: Random): () => void {
  const store = Atomics.store;
  const slow = (words: Int32Array, index: number, value: number): number => {
    const stored = store(words, index, value);
    const isRoot =
      words.buffer === buffer && index >= rootWord(0) && index < rootWord(ADDRESS_SPACE_COUNT_MAX);
    if (isRoot && random.below(SLOW_ONE_IN) === 0) spin(random.below(TURNS_MAX));
    return stored;
  };
  Object.assign(Atomics, { store: slow });
  return () => void Object.assign(Atomics, { store });
}
