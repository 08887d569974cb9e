/** One of the threads in which litmus shapes are run: batch after batch, whatever shape is due. */
import { ARENA_BATCH, ARENA_SHAPE, LINE_DONE, lineWord, runBatch } from '../litmus/arena.ts';
import { litmusShapes } from '../litmus/shapes.ts';
import { stressProgram } from '../vcpu-side.ts';

/** Sleeps this long for a batch before it looks whether to stop. */
const WAIT_MS = 20;

export default stressProgram<null>(({ vcpu, words, orders }) => {
  const thread = orders.number;
  for (let seen = 0; ; ) {
    // Online while it sleeps: nothing is ever published here that a grace period could wait for.
    while (Atomics.load(words, ARENA_BATCH) === seen) {
      Atomics.wait(words, ARENA_BATCH, seen, WAIT_MS);
      if (!vcpu.checkpoint()) return;
    }
    seen = Atomics.load(words, ARENA_BATCH);
    const { threads } = litmusShapes[Atomics.load(words, ARENA_SHAPE)]!;
    const own = threads[thread];
    if (own !== undefined) runBatch(words, thread, threads.length, own.body);
    Atomics.store(words, lineWord(thread, LINE_DONE), seen);
  }
});
