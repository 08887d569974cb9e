/**
 * The grace protocol's real code under the walk: GraceReader and GraceWriter, cut at each Atomics operation
 * (test/support/stepped-atomics.ts). And the ties of the models in interleavings.test.ts to the code: what
 * each method does to shared words, in which order.
 */
import { afterEach, describe, expect, test } from 'vitest';
import { GraceReader } from '../../src/grace/reader.ts';
import { GraceWriter } from '../../src/grace/writer.ts';
import {
  createControlBlock,
  READER_ANNOUNCED,
  READER_AWAITED,
  readerWord,
  rootWord,
  type SharedWords,
  WORD_DELTA_COUNT,
  WORD_DELTAS,
  WORD_DIRTY_EPOCH,
  WORD_GENERATION,
} from '../../src/layout/control-block.ts';
import { POISON } from '../../src/layout/map-entry.ts';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import { BenchMachine } from '../support/bench-machine.ts';
import { SAFE, type Walk, walkOrders } from '../support/interleavings.ts';
import { operationsOf, recordOperations, steppedProgram } from '../support/stepped-atomics.ts';

/** Views live in words of the control block that nothing uses. */
const dataWord = (view: number): number => 40 + view;

const names = new Map<number, string>([
  [WORD_GENERATION, 'GENERATION'],
  [WORD_DIRTY_EPOCH, 'DIRTY_EPOCH'],
  [rootWord(0), 'ROOT'],
  ...[0, 1].flatMap((slot): [number, string][] => [
    [readerWord(slot) + READER_ANNOUNCED, `ANNOUNCED ${slot}`],
    [readerWord(slot) + READER_AWAITED, `AWAITED ${slot}`],
  ]),
  ...[0, 1, 2].map((view): [number, string] => [dataWord(view), `view ${view}`]),
]);
const isDelta = (index: number): boolean => index === WORD_DELTA_COUNT || index >= WORD_DELTAS;
const nameOf = (index: number): string => names.get(index) ?? (isDelta(index) ? 'a delta' : `word ${index}`);

interface Ports {
  readonly words: SharedWords;
  loadRoot(): number;
  use(view: number): void;
}

type ReaderProgram = (reader: GraceReader, ports: Ports) => void;
type WriterProgram = (
  writer: GraceWriter,
  ports: Ports & { publish(view: number): void; reuse(view: number): void },
) => void;

function walkReal(writer: WriterProgram, readers: readonly ReaderProgram[], generation = 1): Walk {
  return walkOrders(() => {
    const words = createControlBlock();
    words[WORD_GENERATION] = generation;
    let fault: string | null = null;
    const ports = {
      words,
      loadRoot: () => Atomics.load(words, rootWord(0)),
      use: (view: number) => {
        if (Atomics.load(words, dataWord(view)) === POISON) fault = `view ${view} used after reuse`;
      },
      publish: (view: number) => void Atomics.store(words, rootWord(0), view),
      reuse: (view: number) => void Atomics.store(words, dataWord(view), POISON),
    };
    const control = (): void => {
      const grace = new GraceWriter(words);
      grace.close(); // no background loop: poll() alone
      for (const slot of readers.keys()) grace.addReader(slot);
      writer(grace, ports);
    };
    return {
      threads: [
        steppedProgram('writer', control, nameOf),
        ...readers.map((program, slot) =>
          steppedProgram(`reader ${slot}`, () => program(new GraceReader(words, slot), ports), nameOf),
        ),
      ],
      verdict: () => fault ?? SAFE,
    };
  });
}

/** Publishes view 1 over view 0, looks at the readers, and reuses view 0 if poll() says so. */
const commit: WriterProgram = (grace, ports) => {
  ports.publish(1);
  grace.advance();
  let isClear = false;
  grace.retire(64, () => {
    isClear = true;
  });
  grace.poll();
  if (isClear) ports.reuse(0);
};

const section: ReaderProgram = (reader, ports) => {
  reader.readLock();
  ports.use(ports.loadRoot());
  reader.readUnlock();
};
const nestedSection: ReaderProgram = (reader, ports) => {
  reader.readLock();
  const view = ports.loadRoot();
  reader.readLock();
  reader.quiescent();
  reader.readUnlock();
  ports.use(view);
  reader.readUnlock();
};
const checkpoint: ReaderProgram = (reader, ports) => {
  reader.online();
  let view = ports.loadRoot();
  if (reader.quiescent()) view = ports.loadRoot();
  ports.use(view);
};

describe('the real reader against the real writer: no order reuses a view in use', () => {
  const safe = (walk: Walk): void => {
    expect(walk.firstBad).toBe('');
    expect(walk.orders).toBeGreaterThan(100);
  };
  test.each([1, 0x7fffffff, -1])('in a read section, from generation %i', (generation) => {
    safe(walkReal(commit, [section], generation));
  });
  test.each([1, 0x7fffffff, -1])('over a checkpoint, from generation %i', (generation) => {
    safe(walkReal(commit, [checkpoint], generation));
  });
  test('in a nested section that meets a checkpoint', () => {
    safe(walkReal(commit, [nestedSection]));
  });
});

describe('the walk of the real code convicts', () => {
  test.each<[string, ReaderProgram]>([
    [
      'a reader that loads the root before online()',
      (reader, ports) => {
        const view = ports.loadRoot();
        reader.online();
        ports.use(view);
      },
    ],
    [
      'a reader that keeps its root over quiescent()',
      (reader, ports) => {
        reader.online();
        const view = ports.loadRoot();
        reader.quiescent();
        ports.use(view);
      },
    ],
    [
      'a reader that uses what it loaded in a section after the section',
      (reader, ports) => {
        reader.readLock();
        const view = ports.loadRoot();
        reader.readUnlock();
        ports.use(view);
      },
    ],
  ])('%s', (_what, reader) => {
    expect(walkReal(commit, [reader]).unsafe).toBeGreaterThan(0);
  });

  test.each<[string, WriterProgram]>([
    [
      'a writer that advances before it publishes',
      (grace, ports) => {
        let isClear = false;
        grace.advance();
        ports.publish(1);
        grace.retire(64, () => {
          isClear = true;
        });
        grace.poll();
        if (isClear) ports.reuse(0);
      },
    ],
    [
      'a writer that retires before it advances',
      (grace, ports) => {
        let isClear = false;
        ports.publish(1);
        grace.retire(64, () => {
          isClear = true;
        });
        grace.advance();
        grace.poll();
        if (isClear) ports.reuse(0);
      },
    ],
    [
      'a writer that removes a reader which still runs',
      (grace, ports) => {
        grace.removeReader(0);
        commit(grace, ports);
      },
    ],
  ])('%s', (_what, writer) => {
    expect(walkReal(writer, [checkpoint]).unsafe).toBeGreaterThan(0);
  });
});

describe('the models mirror the code: what each method does to shared words', () => {
  const words = createControlBlock();
  const steps = (body: () => void): string[] => operationsOf(words, nameOf, body);
  const announces = ['load GENERATION', 'store ANNOUNCED 0', 'load AWAITED 0'];

  test('the reader', () => {
    const reader = new GraceReader(words, 0);
    const writer = new GraceWriter(words);
    expect(steps(() => reader.online())).toEqual(announces);
    expect(steps(() => reader.quiescent())).toEqual(['load GENERATION']);
    writer.advance();
    expect(steps(() => reader.quiescent())).toEqual(announces);
    expect(steps(() => reader.readLock())).toEqual([]);
    expect(steps(() => reader.readUnlock())).toEqual([]);
    expect(steps(() => reader.offline())).toEqual(announces.slice(1));
    expect(steps(() => reader.readLock())).toEqual(announces);
    expect(steps(() => reader.readUnlock())).toEqual(announces.slice(1));
    Atomics.store(words, readerWord(0) + READER_AWAITED, 1);
    expect(steps(() => reader.online())).toEqual([...announces, 'notify ANNOUNCED 0']);
    Atomics.store(words, readerWord(0) + READER_AWAITED, 0);
    reader.offline();
  });

  test('the writer', () => {
    const writer = new GraceWriter(words);
    writer.close();
    writer.addReader(0);
    expect(steps(() => writer.advance())).toEqual(['load GENERATION', 'store GENERATION']);
    expect(steps(() => writer.retire(0, () => {}))).toEqual(['load GENERATION']);
    expect(steps(() => void writer.poll())).toEqual(['load ANNOUNCED 0']);
    expect(steps(() => writer.removeReader(0))).toEqual(['store ANNOUNCED 0', 'notify ANNOUNCED 0']);
  });

  test('the writer that sleeps until a reader moves', async () => {
    const writer = new GraceWriter(words, { kickMs: 2 ** 30, stallMs: 2 ** 30 }); // however busy the computer is
    const reader = new GraceReader(words, 1);
    writer.addReader(1);
    reader.online();
    const record = recordOperations(words, nameOf);
    try {
      const done = writer.synchronize();
      await new Promise(setImmediate); // the background loop begins after the turn in which something was retired
      reader.quiescent();
      await done;
      await new Promise(setImmediate);
    } finally {
      record.stop();
      writer.close();
    }
    expect(record.done).toEqual([
      ...['load GENERATION', 'store GENERATION', 'load GENERATION'], // advance, retire
      ...['load ANNOUNCED 1', 'load ANNOUNCED 1'], // poll, which of the readers
      ...['store AWAITED 1', 'load ANNOUNCED 1', 'waitAsync ANNOUNCED 1'],
      ...['load GENERATION', 'store ANNOUNCED 1', 'load AWAITED 1', 'notify ANNOUNCED 1'], // the reader
      ...['store AWAITED 1', 'load ANNOUNCED 1'], // poll
    ]);
  });
});

describe('the publisher', () => {
  let machine: BenchMachine | undefined;
  afterEach(() => machine?.close());

  test('stores the roots, tells the deltas, then advances, then scans', () => {
    machine = new BenchMachine();
    const ram = MemoryRegion.ram('ram', 0x1000);
    const root = MemoryRegion.container('root', 2n ** 64n);
    root.addSubregion(0, ram);
    machine.show('memory', root);
    machine.checkpoint();
    machine.grace.poll();
    const done = operationsOf(machine.control, nameOf, () => {
      ram.setAddress(0x1000);
      machine?.grace.poll();
    });
    const told = done.filter((operation) => operation === 'store a delta');
    expect(told).toHaveLength(7); // one delta: six words, and the count
    expect(done).toEqual([
      'store ROOT',
      ...told,
      ...['load GENERATION', 'store GENERATION', 'load GENERATION'], // advance, retire
      'load ANNOUNCED 0', // poll
    ]);
    const port = operationsOf(machine.control, nameOf, () => machine?.checkpoint());
    expect(port.slice(0, 5)).toEqual([
      ...['load GENERATION', 'store ANNOUNCED 0', 'load AWAITED 0'],
      ...['load DIRTY_EPOCH', 'load ROOT'],
    ]);
    expect(new Set(port.slice(5))).toEqual(new Set(['load a delta']));
  });
});
