/** The greatest counts that a machine is promised to stand, each with what it costs there. */
import { GraceWriter } from '../src/grace/writer.ts';
import { BOUNCE_BYTES_DEFAULT, createControlBlock, VCPU_COUNT_MAX } from '../src/layout/control-block.ts';
import { Machine } from '../src/service/machine.ts';
import { commitsAmong, measureCommits } from './commit.ts';
import { manyLookups, measureLookups } from './lookup.ts';
import type { ManyReaders } from './programs/many-readers.ts';
import { manyBars } from './support/many-bars.ts';
import { type Measured, measureAwaited, measureReported, type Row } from './support/measure.ts';
import { mixStream, showMix } from './support/mix.ts';

const MANY_READERS = new URL('./programs/many-readers.ts', import.meta.url);
const FIRST_LOAD = new URL('./programs/first-load.ts', import.meta.url);

const SECTION_COUNT = 65_536;
const SPACE_COUNT = 64;

/** Publishes a view of `count` sections in a machine that has shown nothing yet; resolves to the ns of that. */
export async function publishSections(count: number, then?: (machine: Machine) => void): Promise<number> {
  const machine = new Machine({ ramReserveBytes: 2 ** 24, arenaBytes: 2 ** 28 });
  try {
    const { root } = manyBars(count);
    const start = performance.now();
    machine.addAddressSpace('memory', root);
    const ns = (performance.now() - start) * 1e6;
    then?.(machine);
    return ns;
  } finally {
    await machine.close();
  }
}

/** Grace periods of readers that are all online and in no machine: the two halves of the protocol alone. */
export interface ManyReading {
  readonly writer: GraceWriter;
  readonly words: ReturnType<typeof createControlBlock>;
  close(): Promise<void>;
}

export async function readersOnline(count: number): Promise<ManyReading> {
  const host = new Machine({ ramReserveBytes: 2 ** 12, arenaBytes: 2 ** 16, vcpuSlots: 1 });
  const words = createControlBlock(BOUNCE_BYTES_DEFAULT);
  const writer = new GraceWriter(words);
  for (let slot = 0; slot < count; slot += 1) writer.addReader(slot);
  host.addAddressSpace('none');
  const data: ManyReaders = { control: words.buffer, count };
  const vcpu = host.startVcpu({ program: MANY_READERS, data });
  await Promise.race([vcpu.started, vcpu.finished]);
  const close = async (): Promise<void> => {
    await host.close();
    writer.close();
  };
  return { writer, words, close };
}

async function measureManyReaders(): Promise<Measured> {
  const { writer, close } = await readersOnline(VCPU_COUNT_MAX);
  try {
    return await measureAwaited(() => writer.synchronize(), { operations: 1, threads: 2 });
  } finally {
    await close();
  }
}

/**
 * A machine whose slots are all used at the same time: `start` starts as many vCPUs, in a warm pool after the
 * first time, and resolves to what each has loaded.
 */
export function fullSlots(count: number) {
  const machine = new Machine({ ramReserveBytes: 2 ** 26, arenaBytes: 2 ** 22, vcpuSlots: count });
  showMix(machine, mixStream());
  const start = (): Promise<unknown[]> => {
    const vcpus = Array.from({ length: count }, () => machine.startVcpu({ program: FIRST_LOAD }));
    return Promise.all(vcpus.map(({ finished }) => finished));
  };
  return { machine, start };
}

async function measureFullSlots(): Promise<Measured> {
  const { machine, start } = fullSlots(VCPU_COUNT_MAX);
  try {
    const coldMs = performance.now();
    await start();
    const figures = { firstStartMs: performance.now() - coldMs, residentBytes: process.memoryUsage.rss() };
    const measured = await measureAwaited(start, {
      operations: VCPU_COUNT_MAX,
      threads: VCPU_COUNT_MAX + 1,
      samplesMin: 6,
    });
    return { ...measured, figures };
  } finally {
    await machine.close();
  }
}

export const scaleRows: readonly Row[] = [
  {
    name: 'scale/sections-65536',
    measure: () => measureReported(() => publishSections(SECTION_COUNT), { operations: 1, samplesMin: 6 }),
  },
  { name: 'scale/lookup-65536', measure: () => measureLookups(manyLookups(SECTION_COUNT)) },
  { name: 'scale/spaces-64', measure: () => measureCommits(commitsAmong(10, SPACE_COUNT), 'move') },
  { name: 'scale/grace-256', measure: measureManyReaders },
  { name: 'scale/slots-256', onlyByName: true, measure: measureFullSlots },
];
