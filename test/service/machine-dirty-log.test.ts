import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { controlDevice } from '../../src/base/device-binding.ts';
import {
  DIRTY_CLIENT_CODE,
  DIRTY_CLIENT_MIGRATION,
  DIRTY_CLIENT_VGA,
  DIRTY_TRACKING_DIRTY_RATE,
} from '../../src/base/dirty-log.ts';
import {
  GENERATION_FIRST,
  READER_ANNOUNCED,
  readerWord,
  WORD_DIRTY_EPOCH,
  WORD_GENERATION,
} from '../../src/layout/control-block.ts';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import { Machine } from '../../src/service/machine.ts';
import type { MemoryPort } from '../../src/vcpu/memory-port.ts';
import { codeOf } from '../support/code-of.ts';
import { recordOperations } from '../support/stepped-atomics.ts';

const PAGE = 0x1000;
const SIZE = 8 * PAGE;

let machine: Machine;
let root: MemoryRegion;
let ram: MemoryRegion;
let control: MemoryPort;
beforeEach(() => {
  machine = new Machine({ ramReserveBytes: 2 ** 20, arenaBytes: 2 ** 20, checked: true });
  root = MemoryRegion.container('root', 2n ** 64n);
  ram = MemoryRegion.ram('ram', SIZE);
  root.addSubregion(0, ram);
  ram.dirtyLog.setLog(true, DIRTY_CLIENT_VGA);
  control = machine.memory(machine.addAddressSpace('memory', root));
});
afterEach(() => machine.close());

const snapshot = (offset = 0, size = SIZE, client: number = DIRTY_CLIENT_VGA) =>
  machine.dirtyLog.snapshotAndClear(ram, offset, size, client);
const rangesOf = async (taken: ReturnType<typeof snapshot>): Promise<string[]> =>
  [...(await taken)].map(({ offset, size }) => `${offset / PAGE}+${size / PAGE}`);

describe('a snapshot', () => {
  test('names what was written since the last, and leaves other clients alone', async () => {
    expect(await rangesOf(snapshot())).toEqual(['0+8']);
    expect(await rangesOf(snapshot())).toEqual([]);
    control.store32(0, PAGE, 1);
    control.writeBytes(3 * PAGE, new Uint8Array(PAGE + 1));
    const taken = await snapshot();
    expect([...taken]).toEqual([
      { offset: PAGE, size: PAGE },
      { offset: 3 * PAGE, size: 2 * PAGE },
    ]);
    expect([0, 1, 2, 3, 4, 5].map((page) => taken.isDirty(page * PAGE, PAGE))).toEqual([
      ...[false, true, false, true, true, false],
    ]);
    expect(taken.isDirty(2 * PAGE + 1, PAGE), 'its last byte').toBe(true);
    expect(await rangesOf(snapshot(0, SIZE, DIRTY_CLIENT_MIGRATION))).toEqual(['0+8']);
  });

  test('is rounded out to pages, not further', async () => {
    await snapshot();
    control.fill(0, 1, SIZE);
    expect(await rangesOf(snapshot(PAGE + 4000, 200))).toEqual(['1+2']);
    expect(await rangesOf(snapshot())).toEqual(['0+1', '3+5']);
  });

  test('finds what the control thread itself wrote, by every way', async () => {
    await snapshot();
    machine.writeRam(ram, 2 * PAGE, Uint8Array.of(1));
    control.store32(0, 0, 1);
    machine.dirtyLog.setDirty(ram, 5 * PAGE - 1, 2);
    expect(machine.dirtyLog.isDirty(ram, 2 * PAGE, 8, DIRTY_CLIENT_VGA)).toBe(true);
    expect(machine.dirtyLog.isDirty(ram, 3 * PAGE, PAGE, DIRTY_CLIENT_VGA)).toBe(false);
    expect(await rangesOf(snapshot())).toEqual(['0+1', '2+1', '4+2']);
    control.store32(0, 0, 1); // it was armed
    expect(await rangesOf(snapshot())).toEqual(['0+1']);
  });

  test('resolves after the grace period; what is stored meanwhile is in it or in the next', async () => {
    const words = new Int32Array(machine.shared.control);
    const reader = readerWord(9) + READER_ANNOUNCED;
    (machine as unknown as { grace: { addReader(slot: number): void } }).grace.addReader(9);
    Atomics.store(words, reader, GENERATION_FIRST);
    let isDone = false;
    const taken = snapshot().then((ranges) => {
      isDone = true;
      return ranges;
    });
    for (let turn = 0; turn < 10; turn += 1) await nextTurn();
    expect(isDone).toBe(false);
    Atomics.store(words, reader, Atomics.load(words, WORD_GENERATION));
    Atomics.notify(words, reader);
    expect((await taken).isDirty(0, SIZE)).toBe(true);
  });

  test('waits for nobody where nothing was dirty', async () => {
    await snapshot();
    const words = new Int32Array(machine.shared.control);
    const before = [words[WORD_GENERATION], words[WORD_DIRTY_EPOCH]];
    expect((await snapshot()).isEmpty).toBe(true);
    expect([words[WORD_GENERATION], words[WORD_DIRTY_EPOCH]]).toEqual(before);
  });

  test('clears, adds to the epoch, begins a generation', async () => {
    const words = new Int32Array(machine.shared.control);
    const names = new Map([
      [WORD_DIRTY_EPOCH, 'EPOCH'],
      [WORD_GENERATION, 'GENERATION'],
    ]);
    const record = recordOperations(words, (index) => names.get(index) ?? 'own');
    const taken = snapshot();
    record.stop();
    await taken;
    expect(record.done.filter((operation) => !operation.endsWith(' own'))).toEqual([
      ...['add EPOCH', 'load EPOCH'], // the control thread's ports look again
      ...['load GENERATION', 'store GENERATION', 'load GENERATION'],
    ]);
    expect(machine.dirtyLog.isDirty(ram, 0, SIZE, DIRTY_CLIENT_VGA), 'cleared in the same turn').toBe(false);
  });
});

describe('a pass of a migration', () => {
  test('accumulates pages in a bitmap, and counts those that it lacked', async () => {
    machine.dirtyTracking.start(DIRTY_TRACKING_DIRTY_RATE);
    const bitmap = new Uint8Array(1);
    const pass = (into: Uint8Array | null) =>
      machine.dirtyLog.testAndClear(ram, 0, SIZE, DIRTY_CLIENT_MIGRATION, into);
    expect(await pass(null)).toBe(8);
    control.store8(0, PAGE, 1);
    expect(await pass(bitmap)).toBe(1);
    control.store8(0, PAGE, 1);
    control.store8(0, 7 * PAGE, 1);
    expect(await pass(bitmap)).toBe(1);
    expect([...bitmap]).toEqual([0b1000_0010]);
  });
});

describe('listeners with bits of their own', () => {
  test('bring them in before a snapshot, clear theirs, and hear when it is done', async () => {
    await snapshot();
    const heard: string[] = [];
    let isStale = true;
    machine.addListener(
      {
        name: 'accelerator',
        priority: 10,
        logSync: (section) => {
          heard.push(`sync ${section.region?.name}`);
          if (isStale) machine.dirtyLog.setDirty(ram, 6 * PAGE, 1);
          isStale = false;
        },
        logClear: (section) =>
          heard.push(`clear ${section.offsetWithinRegion / BigInt(PAGE)}+${section.size / BigInt(PAGE)}`),
        logGlobalAfterSync: () => heard.push('after'),
      },
      machine.addressSpaces[0]!,
    );
    const taken = snapshot(4 * PAGE, 4 * PAGE);
    expect(heard).toEqual(['sync ram', 'clear 4+4']);
    expect(await rangesOf(taken)).toEqual(['6+1']);
    expect(heard.at(-1)).toBe('after');
  });
});

describe('a ROM device', () => {
  test('tells which of its bytes its callbacks changed, while it is in ROM mode', async () => {
    const flash = MemoryRegion.romDevice('flash', SIZE, controlDevice({ read: () => 0, write: () => {} }));
    root.addSubregion(0x10_0000, flash);
    flash.dirtyLog.setLog(true, DIRTY_CLIENT_VGA);
    await machine.dirtyLog.snapshotAndClear(flash, 0, SIZE, DIRTY_CLIENT_VGA);
    control.store32(0, 0x10_0000, 1);
    expect(machine.dirtyLog.isDirty(flash, 0, SIZE, DIRTY_CLIENT_VGA), 'a command is no write').toBe(false);
    machine.dirtyLog.flushRomDevice(flash, PAGE, 4);
    expect([...(await machine.dirtyLog.snapshotAndClear(flash, 0, SIZE, DIRTY_CLIENT_VGA))]).toEqual([
      { offset: PAGE, size: PAGE },
    ]);
    flash.setRomd(false);
    const flush = (region: MemoryRegion) => () => machine.dirtyLog.flushRomDevice(region, 0, 4);
    expect(codeOf(flush(flash))).toBe('NOT_A_ROM_DEVICE');
    expect(codeOf(flush(ram))).toBe('NOT_A_ROM_DEVICE');
  });
});

describe('refused', () => {
  test.each<[string, () => Promise<unknown>, string]>([
    ['bytes past the end', () => snapshot(SIZE - 4, 5), 'INVALID_ARGUMENT'],
    ['no bytes', () => snapshot(0, 0), 'INVALID_ARGUMENT'],
    ['another client', () => snapshot(0, 4, 3), 'INVALID_ARGUMENT'],
    [
      'a bitmap that is too short',
      () => machine.dirtyLog.testAndClear(ram, 0, 4, DIRTY_CLIENT_CODE, new Uint8Array(0)),
      'INVALID_ARGUMENT',
    ],
    [
      'a region without bytes',
      () => machine.dirtyLog.snapshotAndClear(root, 0, 4, DIRTY_CLIENT_VGA),
      'NOT_RAM',
    ],
  ])('%s', async (_what, call, code) => {
    await expect(call()).rejects.toMatchObject({ code });
  });
});
