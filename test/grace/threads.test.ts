/**
 * The protocol on real threads, for a few seconds: one thread looks up, this one republishes and reclaims
 * with poison as fast as it can. The walk of every order is the proof; this is for what a walk cannot see.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { afterEach, expect, test } from 'vitest';
import { MemoryError } from '../../src/base/errors.ts';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import { transaction } from '../../src/model/transaction.ts';
import { BenchMachine } from '../support/bench-machine.ts';
import {
  COUNT_LAYOUTS,
  COUNT_READS,
  COUNT_STOP,
  COUNT_WRONG,
  PAGES,
  type ReaderTask,
} from '../support/section-reads.ts';

/** A bound for hangs; the tests end much earlier, by what they have seen. */
const GIVE_UP_MS = 40_000;

let machine: BenchMachine;
let worker: Worker;
afterEach(async () => {
  await worker.terminate();
  machine.close();
});

/** Starts the reader's thread, and returns its counters. */
async function startReader(
  parts: Pick<ReaderTask, 'style' | 'sabotage'>,
  region: number,
): Promise<Int32Array> {
  const task: ReaderTask = {
    ...parts,
    control: machine.control.buffer,
    arena: machine.arena.words.buffer,
    counts: new SharedArrayBuffer(16),
    region,
  };
  worker = new Worker(new URL('../../workers/typescript-thread.mjs', import.meta.url), {
    execArgv: [],
    workerData: {
      ...task,
      entry: new URL('./section-reader-program.ts', import.meta.url).href,
      loader: import.meta.url,
    },
  });
  await once(worker, 'online');
  return new Int32Array(task.counts);
}

/** Moves the page and counts the layouts until `isEnough`. */
async function churn(ram: MemoryRegion, isEnough: () => boolean): Promise<number> {
  const { publisher, grace } = machine;
  const giveUpAt = performance.now() + GIVE_UP_MS;
  let layouts = 0;
  while (!isEnough() && performance.now() < giveUpAt) {
    for (let i = 0; i < 20; i += 1) {
      try {
        transaction(() => {
          publisher.layoutTag = layouts + 1;
          ram.setAddress(((layouts + 1) % PAGES) * 0x1000);
        });
        layouts += 1;
      } catch (error) {
        if (!(error instanceof MemoryError && error.code === 'BACK_PRESSURE')) throw error;
        await grace.synchronize();
      }
      grace.poll();
    }
    await new Promise(setImmediate);
  }
  return layouts;
}

function startMachine(): MemoryRegion {
  machine = new BenchMachine({ garbageBytesMax: 2 ** 12 });
  machine.reader.offline();
  machine.grace.removeReader(0);
  machine.grace.addReader(0); // the slot is the thread's now
  const ram = MemoryRegion.ram('ram', 0x1000);
  const root = MemoryRegion.container('root', 2n ** 64n);
  root.addSubregion(0, ram);
  machine.show('memory', root);
  return ram;
}

test.each(['checkpoints', 'sections'] as const)(
  'a thread that reads by %s sees no map but those that were published',
  async (style) => {
    const ram = startMachine();
    const counts = await startReader({ style, sabotage: false }, ram.id);
    const read = (): number => Atomics.load(counts, COUNT_READS);
    const layoutsSeen = (): number => Atomics.load(counts, COUNT_LAYOUTS);
    const layouts = await churn(ram, () => read() > 200_000 && layoutsSeen() > 300);
    Atomics.store(counts, COUNT_STOP, 1);
    await once(worker, 'exit');
    expect(Atomics.load(counts, COUNT_WRONG)).toBe(0);
    expect(read()).toBeGreaterThan(200_000);
    expect(layoutsSeen()).toBeGreaterThan(300);
    expect(layouts).toBeGreaterThan(300);
    machine.grace.poll();
    expect(machine.grace.retiredBytes, 'the thread has gone offline').toBe(0);
  },
);

test('a thread that announces and goes on with the old map is convicted', async () => {
  const ram = startMachine();
  const counts = await startReader({ style: 'checkpoints', sabotage: true }, ram.id);
  await churn(ram, () => Atomics.load(counts, COUNT_WRONG) > 0);
  expect(Atomics.load(counts, COUNT_WRONG)).toBeGreaterThan(0);
});
