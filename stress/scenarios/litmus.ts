/**
 * Litmus shapes on the running engine. Batches of all shapes take turns, so each is run by interpreted code first
 * and by optimised code soon after, on whatever cores the threads are by then.
 */
import { availableParallelism } from 'node:os';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import { type Bed, sharedWords } from '../bed.ts';
import {
  ARENA_BATCH,
  ARENA_SHAPE,
  ARENA_WORDS,
  clearArena,
  INSTANCES,
  LINE_DONE,
  lineWord,
  tally,
} from '../litmus/arena.ts';
import {
  isMissing,
  LITMUS_THREADS_MAX,
  type LitmusShape,
  litmusFaults,
  litmusShapes,
  type OutcomeCounts,
} from '../litmus/shapes.ts';
import type { Scenario } from '../scenario.ts';

const program = new URL('../programs/litmus.ts', import.meta.url);
/** Of a shape before it is the next one's turn. */
const BATCHES = 2;
/** How long an outcome that must be seen is waited for when the time is up: on a busy machine threads meet rarely. */
const PATIENCE_MS = 20_000;

class Litmus {
  private readonly bed: Bed;
  private readonly words = sharedWords(ARENA_WORDS);
  private batch = 0;
  readonly counts = new Map<LitmusShape, Map<string, number>>(
    litmusShapes.map((shape) => [shape, new Map()]),
  );

  constructor(bed: Bed) {
    this.bed = bed;
    bed.open().addAddressSpace('memory', MemoryRegion.container('root', 2n ** 64n));
    for (let thread = 0; thread < LITMUS_THREADS_MAX; thread += 1) {
      bed.start(program, null, { words: this.words });
    }
  }

  async run(shape: LitmusShape): Promise<void> {
    const { words, bed } = this;
    const done = (thread: number): boolean => Atomics.load(words, lineWord(thread, LINE_DONE)) === this.batch;
    for (let batches = BATCHES; batches > 0; batches -= 1) {
      clearArena(words);
      Atomics.store(words, ARENA_SHAPE, litmusShapes.indexOf(shape));
      this.batch += 1;
      Atomics.store(words, ARENA_BATCH, this.batch); // what was cleared is seen by who finds the batch
      Atomics.notify(words, ARENA_BATCH);
      await bed.until(`a batch of ${shape.name}`, () => [...Array(LITMUS_THREADS_MAX).keys()].every(done));
      tally(words, shape, this.counts.get(shape)!);
      bed.checked(INSTANCES);
    }
  }
}

/** The outcomes of a shape, and how often each came. */
const histogram = (name: string, counts: OutcomeCounts): string =>
  `${name}: ${[...counts]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([outcome, count]) => `${outcome} ${count}`)
    .join(', ')}`;

export const litmus: Scenario = {
  name: 'litmus',
  property:
    'MP, SB, LB, IRIW and CoRR never show the outcome that Atomics forbid, on threads that meet: plain SB shows its own',
  seconds: 4,
  async run(bed) {
    const runner = new Litmus(bed);
    await bed.up();
    do {
      for (const shape of litmusShapes) await runner.run(shape);
    } while (!bed.timeIsUp);
    const hasCores = availableParallelism() > 1;
    const shapes = hasCores ? litmusShapes : litmusShapes.filter(({ mustBeSeen }) => mustBeSeen === null);
    const untilMs = performance.now() + PATIENCE_MS;
    for (const shape of shapes) {
      while (isMissing(shape, runner.counts.get(shape)!) && performance.now() < untilMs)
        await runner.run(shape);
      for (const fault of litmusFaults(shape, runner.counts.get(shape)!)) bed.violation(fault);
    }
    const lines = [...runner.counts].map(([{ name }, counts]) => histogram(name, counts));
    return [
      hasCores ? 'each outcome as often as it came' : 'one core: threads cannot meet, so this shows little',
      ...lines,
    ].join('\n');
  },
};
