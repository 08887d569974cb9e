/** IOMMUs beside what else looks at accesses: dirty logs, holds and caches, readers that go offline. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DIRTY_CLIENT_VGA } from '../../src/base/dirty-log.ts';
import { MEMTX_DECODE_ERROR, MEMTX_OK } from '../../src/base/mem-tx-result.ts';
import { WORD_DIRTY_EPOCH } from '../../src/layout/control-block.ts';
import { IommuTable } from '../../src/model/iommu-table.ts';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import type { MemoryPort } from '../../src/vcpu/memory-port.ts';
import { BenchMachine } from '../support/bench-machine.ts';

const PAGE = 0x1000;
/** The page of the bus that the tests use, and where it leads. */
const IOVA = 0x5000;
const TARGET = 0x3000;

let machine: BenchMachine;
let ram: MemoryRegion;
let memory: MemoryPort;
let bus: MemoryPort;
let table: IommuTable;

beforeEach(() => {
  machine = new BenchMachine();
  const system = MemoryRegion.container('system', 2n ** 64n);
  ram = MemoryRegion.ram('ram', 16 * PAGE);
  system.addSubregion(0, ram);
  const shown = machine.show('memory', system);
  memory = shown.port;
  table = new IommuTable(shown.space);
  const root = MemoryRegion.container('bus', 2n ** 64n);
  root.addSubregion(0, MemoryRegion.iommu('iommu', 2n ** 32n, table));
  bus = machine.show('bus', root).port;
  table.map({ iova: IOVA, size: PAGE, target: TARGET });
  machine.checkpoint();
});
afterEach(() => machine.close());

const read = (port: MemoryPort, address: number): number[] => [port.read(address, 4), port.result];

describe('a dirty log', () => {
  function taken(): number[] {
    const ranges = [...machine.dirty.take(ram, 0n, Number(ram.size), DIRTY_CLIENT_VGA)];
    Atomics.add(machine.control, WORD_DIRTY_EPOCH, 1);
    machine.session.rearm();
    return ranges.map(({ offset }) => offset / PAGE);
  }

  test.each<[string, () => unknown]>([
    ['stores', () => bus.write(IOVA + 8, 4, 1)],
    ['bulk writes', () => bus.writeBytes(IOVA, new Uint8Array(8))],
    ['atomic operations', () => bus.atomicAdd32(0, IOVA, 1)],
  ])('hears of %s through an IOMMU, each time after it was cleared', (_, write) => {
    ram.dirtyLog.setLog(true, DIRTY_CLIENT_VGA);
    machine.checkpoint();
    taken();
    for (let round = 0; round < 3; round += 1) {
      for (let i = 0; i < 3; i += 1) write();
      expect(taken()).toEqual([TARGET / PAGE]);
    }
  });

  test('a bulk write through an IOMMU leaves the TLB of where it began alone', () => {
    ram.dirtyLog.setLog(true, DIRTY_CLIENT_VGA);
    machine.checkpoint();
    table.map({ iova: TARGET, size: PAGE, target: 0x7000 }); // an address that is also one behind
    machine.checkpoint();
    memory.write(0x7000, 4, 7);
    bus.writeBytes(IOVA, Uint8Array.of(3, 0, 0, 0));
    expect([bus.read(TARGET, 4), memory.read(TARGET, 4)]).toEqual([7, 3]);
  });
});

describe('what is held of a layout', () => {
  test('translates anew each time, as QEMU caches do behind an IOMMU', () => {
    const cache = bus.cache(IOVA, 16, true);
    const hold = bus.holdView();
    const into = new Uint8Array(1);
    memory.write(TARGET, 1, 3);
    expect([cache.load8(0), hold.readBytes(IOVA, into), into[0]]).toEqual([3, MEMTX_OK, 3]);
    void table.unmap(IOVA, PAGE);
    machine.checkpoint();
    cache.load8(0);
    expect([cache.result, hold.readBytes(IOVA, into)]).toEqual([MEMTX_DECODE_ERROR, MEMTX_DECODE_ERROR]);
    table.map({ iova: IOVA, size: PAGE, target: 0x7000 });
    machine.checkpoint();
    memory.write(0x7000, 1, 7);
    expect([cache.load8(0), hold.readBytes(IOVA, into), into[0]]).toEqual([7, MEMTX_OK, 7]);
    cache.destroy();
    hold.release();
  });

  test('is mapped as a copy, that is written where the translation then leads', () => {
    const mapping = bus.map(IOVA, 8, true);
    expect(mapping?.isBounce).toBe(true);
    mapping!.bytes.fill(9);
    bus.unmap(mapping!);
    expect(memory.read(TARGET, 1)).toBe(9);
  });
});

describe('a reader that is offline', () => {
  test('reaches nothing through an IOMMU, not even by what it holds', () => {
    const hold = bus.holdView();
    expect(read(bus, IOVA)).toEqual([0, MEMTX_OK]);
    bus.forget();
    expect(read(bus, IOVA)).toEqual([0, MEMTX_DECODE_ERROR]);
    expect(hold.readBytes(IOVA, new Uint8Array(4))).toBe(MEMTX_DECODE_ERROR);
    table.map({ iova: 0x9000, size: PAGE, target: TARGET });
    bus.refresh();
    expect(read(bus, 0x9000)).toEqual([0, MEMTX_OK]);
    hold.release();
  });

  test('meets nothing new while it is', () => {
    bus.forget();
    const hold = bus.holdView();
    expect(hold.readBytes(IOVA, new Uint8Array(4))).toBe(MEMTX_DECODE_ERROR);
    hold.release();
  });
});
