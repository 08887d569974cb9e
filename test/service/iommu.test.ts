/**
 * IOMMUs of a Machine with real threads: vCPUs master a bus behind one while mappings change. Once an unmap is
 * awaited its page is somebody else's, and holds a canary: nobody may read or write it.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { MEMTX_DECODE_ERROR } from '../../src/base/mem-tx-result.ts';
import type { AddressSpace } from '../../src/model/address-space.ts';
import { CallbackIommu } from '../../src/model/callback-iommu.ts';
import { IommuTable } from '../../src/model/iommu-table.ts';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import { transaction } from '../../src/model/transaction.ts';
import { Machine } from '../../src/service/machine.ts';
import { CANARY, COUNT_OF_THE_OTHER, COUNT_PASSED, COUNT_REFUSED } from './programs/iommu-programs.ts';

const PAGE = 0x1000;
const program = new URL('./programs/iommu-programs.ts', import.meta.url);
const plainTranslator = new URL('../vcpu/modules/translators.mjs', import.meta.url);
const ROUNDS = 60;

let machine: Machine;
let ram: MemoryRegion;
let memory: AddressSpace;
let bus: AddressSpace;
let busRoot: MemoryRegion;
let counts: Int32Array<SharedArrayBuffer>;

beforeEach(() => {
  machine = new Machine({ ramReserveBytes: 2 ** 20, arenaBytes: 2 ** 20, checked: true });
  const system = MemoryRegion.container('system', 2n ** 64n);
  ram = MemoryRegion.ram('ram', 16 * PAGE);
  system.addSubregion(0, ram);
  memory = machine.addAddressSpace('memory', system);
  busRoot = MemoryRegion.container('bus', 2n ** 64n);
  bus = machine.addAddressSpace('bus', busRoot);
  counts = new Int32Array(new SharedArrayBuffer(64));
});
afterEach(() => machine.close());

const wordOf = (page: number): number => new Int32Array(machine.readRam(ram, page * PAGE, 4).buffer)[0]!;
const setWord = (page: number, value: number): void =>
  machine.writeRam(ram, page * PAGE, new Uint8Array(Int32Array.of(value).buffer));
const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1));
};
const moreThan =
  (count: number, before: number): (() => boolean) =>
  () =>
    Atomics.load(counts, count) > before;

async function startMasters(page: number): Promise<void> {
  const options = { program, data: { counts: counts.buffer, page }, addressSpaces: ['bus'] };
  await Promise.all([machine.startVcpu(options).started, machine.startVcpu(options).started]);
}

/** Lets the masters use a frame, takes it from them, and sees that it is theirs no more. */
async function round(frame: number, map: () => void, unmap: () => Promise<void>): Promise<void> {
  setWord(frame, 0);
  const passed = Atomics.load(counts, COUNT_PASSED);
  map();
  await until(moreThan(COUNT_PASSED, passed));
  await unmap();
  setWord(frame, CANARY);
  const refused = Atomics.load(counts, COUNT_REFUSED);
  await until(moreThan(COUNT_REFUSED, refused + 100));
  expect(wordOf(frame)).toBe(CANARY);
}

describe('an awaited unmap', () => {
  test('of a table leaves no thread that reads or writes what it took away', async () => {
    const table = new IommuTable(memory);
    busRoot.addSubregion(0, MemoryRegion.iommu('iommu', 16 * PAGE, table));
    await startMasters(3 * PAGE);
    for (let i = 0; i < ROUNDS; i += 1) {
      const frame = i % 16;
      await round(
        frame,
        () => table.map({ iova: 3 * PAGE, size: PAGE, target: frame * PAGE }),
        () => table.unmap(3 * PAGE, PAGE),
      );
    }
    expect(Atomics.load(counts, COUNT_OF_THE_OTHER)).toBe(0);
  }, 60_000);

  test('of a callback IOMMU does so too', async () => {
    const words = new Int32Array(new SharedArrayBuffer(64));
    const options = { exportName: 'pageTable', state: words.buffer };
    const iommu = new CallbackIommu([memory], program, options);
    busRoot.addSubregion(0, MemoryRegion.iommu('iommu', 16 * PAGE, iommu));
    await startMasters(3 * PAGE);
    const set = (entry: number): Promise<void> => {
      Atomics.store(words, 3, entry);
      return iommu.notifyUnmap(3 * PAGE, PAGE);
    };
    for (let i = 0; i < ROUNDS; i += 1) {
      const frame = i % 16;
      await round(
        frame,
        () => void set(1 + frame),
        () => set(0),
      );
    }
    expect(Atomics.load(counts, COUNT_OF_THE_OTHER)).toBe(0);
  }, 60_000);

  test('inside a transaction is published, and waited for, at its end', async () => {
    const table = new IommuTable(memory);
    busRoot.addSubregion(0, MemoryRegion.iommu('iommu', 16 * PAGE, table));
    table.map({ iova: 0, size: PAGE, target: PAGE });
    setWord(1, 7);
    const port = machine.memory(bus);
    let unmapped: Promise<void> | null = null;
    transaction(() => {
      unmapped = table.unmap(0, PAGE);
      expect(port.read(0, 4)).toBe(7);
    });
    await unmapped;
    expect([port.read(0, 4), port.result]).toEqual([0, MEMTX_DECODE_ERROR]);
  });
});

describe('the control thread', () => {
  test('asks where an access ends', () => {
    const table = new IommuTable(memory);
    busRoot.addSubregion(0, MemoryRegion.iommu('iommu', 16 * PAGE, table));
    table.map({ iova: 0, size: 2 * PAGE, target: 4 * PAGE, permission: 'read' });
    expect(machine.getIotlbEntry(bus, 0x1004, false)).toEqual({
      ...{ space: memory, translated: 0x4000n, mask: 0x1fffn, permission: 'read' },
    });
    expect(machine.getIotlbEntry(bus, 0x1004, true)).toBeNull();
    expect(machine.getIotlbEntry(memory, 0x1004n, true)?.space).toBe(memory);
  });

  test('has its own copy of a translator', () => {
    const words = new Int32Array(new SharedArrayBuffer(256));
    const iommu = new CallbackIommu([memory], plainTranslator, { state: words.buffer });
    busRoot.addSubregion(0, MemoryRegion.iommu('iommu', 16 * PAGE, iommu));
    words[2] = 1 + 5;
    setWord(5, 9);
    expect(machine.memory(bus).read(2 * PAGE, 4)).toBe(9);
    expect([...iommu.mapped(0, 0n, 0xffffn)]).toMatchObject([{ iova: 0x2000n, translated: 0x5000n }]);
  });
});
