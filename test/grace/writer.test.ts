import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { GraceReader } from '../../src/grace/reader.ts';
import { GraceWriter, type GraceWriterOptions, type StallReport } from '../../src/grace/writer.ts';
import {
  createControlBlock,
  PHASE_WAITING_FOR_DEVICE,
  READER_ANNOUNCED,
  READER_KICK,
  READER_PHASE,
  readerWord,
  type SharedWords,
} from '../../src/layout/control-block.ts';

let words: SharedWords;
let writer: GraceWriter;
let done: string[];
beforeEach(() => {
  done = [];
  start({});
});
afterEach(() => writer.close());

function start(options: GraceWriterOptions): void {
  words = createControlBlock();
  writer = new GraceWriter(words, options);
}

function onlineReader(slot: number): GraceReader {
  writer.addReader(slot);
  const reader = new GraceReader(words, slot);
  reader.online();
  return reader;
}

/** Retires `size` bytes under a generation of their own. */
function retire(name: string, size = 64): void {
  writer.advance();
  writer.retire(size, () => done.push(name));
}

describe('poll', () => {
  test('reclaims at once where nobody reads', () => {
    retire('a');
    expect(done).toEqual([]);
    expect(writer.poll()).toBe(0);
    expect(done).toEqual(['a']);
  });

  test('never reclaims before the last reader has passed, and then in the order of retirement', () => {
    const fast = onlineReader(0);
    const slow = onlineReader(1);
    retire('a', 64);
    retire('b', 128);
    fast.quiescent();
    expect(writer.poll()).toBe(192);
    expect(done).toEqual([]);
    slow.quiescent();
    expect(writer.poll()).toBe(0);
    expect(done).toEqual(['a', 'b']);
  });

  test('reclaims what is old enough and keeps what is younger', () => {
    const reader = onlineReader(0);
    retire('a', 64);
    reader.quiescent();
    retire('b', 128);
    expect(writer.retiredBytes).toBe(192);
    expect(writer.poll()).toBe(128);
    expect(writer.retiredBytes).toBe(128);
    expect(done).toEqual(['a']);
  });

  test('does not wait for readers that are offline, or that came online after the generation began', () => {
    const sleeper = onlineReader(0);
    sleeper.offline();
    retire('a');
    onlineReader(1);
    sleeper.online();
    writer.poll();
    expect(done).toEqual(['a']);
  });

  test('waits for a read section, and not for checkpoints inside it', () => {
    const reader = onlineReader(0);
    reader.readLock();
    retire('a');
    reader.quiescent();
    writer.poll();
    expect(done).toEqual([]);
    reader.readUnlock();
    reader.quiescent();
    writer.poll();
    expect(done).toEqual(['a']);
  });

  test('keeps its order and its count over thousands of retired things', () => {
    const reader = onlineReader(0);
    for (let i = 0; i < 3000; i += 1) {
      retire(String(i), 1);
      if (i % 700 === 0) {
        reader.quiescent();
        writer.poll();
      }
    }
    expect(writer.poll()).toBe(199);
    reader.quiescent();
    expect(writer.poll()).toBe(0);
    expect(done).toEqual(Array.from({ length: 3000 }, (_, i) => String(i)));
  });

  test('may be entered again from a reclaim function', () => {
    writer.advance();
    writer.retire(1, () => {
      done.push('a');
      retire('c');
      writer.poll();
    });
    retire('b');
    writer.poll();
    expect(done).toEqual(['a', 'b', 'c']);
    expect(writer.retiredBytes).toBe(0);
  });

  test.each([
    ['2^31', 0x7fffffff],
    ['2^32', -1],
  ])('is right where the generation wraps at %s', (_where, generation) => {
    words[2] = generation;
    const reader = onlineReader(0);
    retire('a');
    retire('b');
    writer.poll();
    expect(done).toEqual([]);
    reader.quiescent();
    writer.poll();
    expect(done).toEqual(['a', 'b']);
  });
});

describe('synchronize and callRcu', () => {
  test('run in the order of their calls, without anybody polling', async () => {
    const reader = onlineReader(0);
    writer.callRcu(() => done.push('a'));
    const synchronized = writer.synchronize().then(() => done.push('b'));
    writer.callRcu(() => done.push('c'));
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(done).toEqual([]);
    reader.quiescent();
    await synchronized;
    expect(done.filter((name) => name !== 'b')).toEqual(['a', 'c']);
  });

  test('resolve for each of several readers that move one after the other', async () => {
    const readers = [0, 1, 2].map(onlineReader);
    const synchronized = writer.synchronize();
    for (const reader of readers) {
      await new Promise(setImmediate);
      reader.quiescent();
    }
    await synchronized;
    expect(writer.retiredBytes).toBe(0);
  });

  test('resolve when the reader that held them is removed', async () => {
    const reader = onlineReader(0);
    onlineReader(1).offline();
    const synchronized = writer.synchronize();
    await new Promise(setImmediate);
    writer.removeReader(0);
    await synchronized;
    expect(Atomics.load(words, readerWord(reader.slot) + READER_ANNOUNCED)).toBe(0);
    writer.addReader(0); // the slot can be given out again
  });

  test('a slot that is in use is not given out', () => {
    onlineReader(0);
    expect(() => writer.addReader(0)).toThrow('reader slot 0 is free');
  });
});

describe('a silent reader', () => {
  test('is kicked, nobody else is, and the kick ends when it moves', async () => {
    start({ kickMs: 1 });
    const fast = onlineReader(1);
    const slow = onlineReader(3);
    const kicked = (): number[] => [1, 3].map((slot) => words[readerWord(slot) + READER_KICK]!);
    retire('a');
    fast.quiescent();
    while (kicked()[1] === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    expect([kicked(), done]).toEqual([[0, 1], []]);
    slow.quiescent();
    while (kicked()[1] !== 0) await new Promise((resolve) => setTimeout(resolve, 1));
    expect(done).toEqual(['a']);
  });

  test('is reported with its slot, its lag and what it holds, and is not forced', async () => {
    const reports: StallReport[] = [];
    let reported = (): void => {};
    const twice = new Promise<void>((resolve) => {
      reported = () => void (reports.length >= 2 && resolve());
    });
    start({
      stallMs: 5,
      onStall: (report) => {
        reports.push(report);
        reported();
      },
    });
    onlineReader(1).offline();
    const silent = onlineReader(3);
    words[readerWord(3) + READER_PHASE] = PHASE_WAITING_FOR_DEVICE;
    retire('a', 64);
    retire('b', 128);
    await twice;
    expect(reports[0]).toMatchObject({
      slot: 3,
      generationsBehind: 2,
      heldBytes: 192,
      phase: PHASE_WAITING_FOR_DEVICE,
    });
    expect(reports[0]!.ageMs).toBeGreaterThanOrEqual(5);
    expect(reports[1]!.ageMs).toBeGreaterThanOrEqual(10 * reports[0]!.ageMs);
    expect(done).toEqual([]);
    silent.quiescent();
    writer.poll();
    expect(done).toEqual(['a', 'b']);
  });

  test('is not reported if it moves in time', async () => {
    const reports: StallReport[] = [];
    const graceMs: number[] = [];
    const generations: number[] = [];
    start({
      stallMs: 60_000,
      onStall: (report) => reports.push(report),
      onReclaimed: (ms, generation) => {
        graceMs.push(ms);
        generations.push(generation);
      },
    });
    const reader = onlineReader(0);
    const synchronized = writer.synchronize();
    await new Promise(setImmediate);
    reader.quiescent();
    await synchronized;
    expect(reports).toEqual([]);
    expect(graceMs).toHaveLength(1);
    expect(graceMs[0]).toBeGreaterThan(0);
    expect(generations).toEqual([writer.generation]);
  });
});

describe('close', () => {
  test('ends the wait; nothing is reclaimed afterwards, whatever readers do', async () => {
    const reader = onlineReader(0);
    retire('a');
    await new Promise(setImmediate);
    writer.close();
    reader.quiescent();
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(done).toEqual([]);
    retire('b');
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(done).toEqual([]);
  });
});

describe('in a process of its own', () => {
  const program = fileURLToPath(new URL('./grace-program.ts', import.meta.url));
  const run = (scenario: string): { status: number | null; output: string } => {
    const child = spawnSync(process.execPath, ['--import', 'tsx', program, scenario], {
      encoding: 'utf8',
      timeout: 50_000,
    });
    return { status: child.status, output: `${child.stdout}${child.stderr}` };
  };

  test('a grace period keeps the event loop alive while it lasts, and not longer', () => {
    expect(run('keeps alive')).toEqual({ status: 0, output: 'synchronized\n' });
  });
  test('close lets the process end though a reader never moves', () => {
    expect(run('closes')).toEqual({ status: 0, output: '' });
  });
  test('what a reclaim function throws neither fails the poll nor stops the others', () => {
    expect(run('throws')).toEqual({ status: 0, output: 'first\nthird\npoll left 0\nuncaught second\n' });
    expect(run('throws in the background')).toEqual({ status: 0, output: 'uncaught first\nsynchronized\n' });
  });
});
