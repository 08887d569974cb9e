/** Accesses through IOMMUs, case by case; iommu-model.test.ts has them at random. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { MEMTXATTRS_DEBUG, MEMTXATTRS_MEMORY, memTxAttrs } from '../../src/base/mem-tx-attrs.ts';
import {
  MEMTX_ACCESS_ERROR,
  MEMTX_DECODE_ERROR,
  MEMTX_ERROR,
  MEMTX_OK,
} from '../../src/base/mem-tx-result.ts';
import { AddressSpace } from '../../src/model/address-space.ts';
import { IommuTable } from '../../src/model/iommu-table.ts';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import { transaction } from '../../src/model/transaction.ts';
import type { MemoryPort } from '../../src/vcpu/memory-port.ts';
import { PAGE_MASK, tlbEntry } from '../../src/vcpu/tlb.ts';
import { BenchMachine, registers } from '../support/bench-machine.ts';
import { codeOf } from '../support/code-of.ts';

const PAGE = 0x1000;
const DEVICE = 0x10 * PAGE;
const ROM = 0x20 * PAGE;

let machine: BenchMachine;
let memory: ReturnType<BenchMachine['show']>;
let bus: MemoryPort;
let root: MemoryRegion;
let table: IommuTable;
let chip: ReturnType<typeof registers>;

/** `memory`: 8 pages of RAM, a device, a ROM. `bus`: an IOMMU of 2^32 bytes at 0 that leads there. */
beforeEach(() => {
  machine = new BenchMachine();
  const system = MemoryRegion.container('system', 2n ** 64n);
  chip = registers(PAGE);
  system.addSubregion(0, MemoryRegion.ram('ram', 8 * PAGE));
  system.addSubregion(DEVICE, MemoryRegion.io('chip', PAGE, chip.device));
  system.addSubregion(ROM, MemoryRegion.rom('rom', PAGE));
  memory = machine.show('memory', system);
  table = new IommuTable(memory.space);
  root = MemoryRegion.container('bus', 2n ** 64n);
  root.addSubregion(0, MemoryRegion.iommu('iommu', 2n ** 32n, table));
  bus = machine.show('bus', root).port;
});
afterEach(() => machine.close());

function map(iova: number, target: number, size = PAGE, permission?: 'read' | 'write'): void {
  table.map({ iova, target, size, ...(permission && { permission }) });
  machine.checkpoint();
}

describe('a page that leads whole to RAM', () => {
  /** What the port's TLB has of the page at `address`: whether reads, and writes, are answered by it alone. */
  function remembered(port: MemoryPort, address: number): { reads: boolean; writes: boolean } {
    const { tlb } = port as unknown as { tlb: Int32Array };
    const entry = tlbEntry(0, address);
    const page = address & PAGE_MASK;
    return { reads: tlb[entry] === page, writes: tlb[entry + 1] === page };
  }

  test.each([
    ['both ways', undefined, { reads: true, writes: true }],
    ['for reads', 'read', { reads: true, writes: false }],
    ['not where only writes pass', 'write', { reads: false, writes: false }],
  ] as const)('is as fast as any: %s', (_, permission, expected) => {
    map(0x5000, 0x3000, PAGE, permission);
    bus.write(0x5008, 4, 7);
    bus.read(0x5008, 4);
    expect(remembered(bus, 0x5000)).toEqual(expected);
    expect(memory.port.read(0x3008, 4)).toBe(permission === 'read' ? 0 : 7);
  });

  test('is forgotten when the mapping, or what lies behind it, changes', () => {
    map(0x5000, 0x3000);
    bus.write(0x5008, 4, 7);
    void table.unmap(0x5000, PAGE);
    expect(bus.read(0x5008, 4)).toBe(7); // until the checkpoint
    machine.checkpoint();
    expect([bus.read(0x5008, 4), bus.result]).toEqual([0, MEMTX_DECODE_ERROR]);
    map(0x5000, 0x3000);
    expect(bus.read(0x5008, 4)).toBe(7);
    memory.space.root!.addSubregionOverlap(0x3000, MemoryRegion.ram('over', PAGE), 1);
    machine.checkpoint();
    expect([bus.read(0x5008, 4), bus.result]).toEqual([0, MEMTX_OK]);
  });
});

describe('what passes goes on as if it began behind', () => {
  test('to a device whole, by its offset there', () => {
    map(0x5000, DEVICE);
    bus.write(0x5010, 4, 0x1234_5678);
    expect([...chip.callbacks.bytes.slice(0x10, 0x14)]).toEqual([0x78, 0x56, 0x34, 0x12]);
    expect([bus.read(0x5012, 2), bus.result]).toEqual([0x1234, MEMTX_OK]);
    bus.attrs = MEMTXATTRS_MEMORY;
    expect([bus.read(0x5012, 2), bus.result]).toEqual([0, MEMTX_ACCESS_ERROR]);
  });

  test('above 4 GiB, in both halves of the address', () => {
    const high = new IommuTable(memory.space);
    root.addSubregion(2n ** 40n, MemoryRegion.iommu('high', 2n ** 40n, high));
    high.map({ iova: 0xff_ffff_f000n, size: PAGE, target: 0x2000n });
    machine.checkpoint();
    bus.writeBig(0x1ff_ffff_f010n, 0x1122_3344_5566_7788n);
    expect(memory.port.readBig(0x2010)).toBe(0x1122_3344_5566_7788n);
  });

  test('to read-only memory: a store is discarded, a bulk write refused, a loader and a debugger write', () => {
    map(0x5000, ROM);
    bus.write(0x5000, 1, 1);
    expect(bus.result).toBe(MEMTX_OK);
    expect(bus.writeBytes(0x5000, Uint8Array.of(2))).toBe(MEMTX_DECODE_ERROR);
    expect(bus.read(0x5000, 1)).toBe(0);
    bus.writeRom(0x5000, Uint8Array.of(3));
    expect(bus.read(0x5000, 1)).toBe(3);
    bus.attrs = MEMTXATTRS_DEBUG;
    bus.write(0x5000, 1, 4);
    expect(bus.read(0x5000, 1)).toBe(4);
  });

  test('in a copy over several mappings and gaps', () => {
    map(0x5000, 0x3000, PAGE, 'read');
    map(0x6000, 0x1000, PAGE, 'write');
    map(0x8000, DEVICE);
    memory.port.writeBytes(0x3ffc, Uint8Array.of(1, 2, 3, 4));
    chip.callbacks.bytes.set([5, 6, 7, 8]);
    const into = new Uint8Array(0x2008).fill(0xee);
    expect(bus.readBytes(0x5ffc, into)).toBe(MEMTX_DECODE_ERROR);
    expect([...into.slice(0, 6), ...into.slice(0x2000)]).toEqual([1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 5, 6, 7, 8]);
    expect(bus.writeBytes(0x5ffc, new Uint8Array(8).fill(9))).toBe(MEMTX_DECODE_ERROR);
    expect([memory.port.read(0x3ffc, 4), memory.port.read(0x1000, 4)]).toEqual([0x0403_0201, 0x0909_0909]);
  });

  test('as a probe and a question', () => {
    map(0x5000, 0x3000, PAGE, 'read');
    map(0x6000, DEVICE);
    const valid = (address: number, isWrite: boolean): boolean => bus.accessValid(address, 8, isWrite);
    expect([valid(0x5000, false), valid(0x5000, true), valid(0x5ffc, false)]).toEqual([true, false, true]);
    expect([valid(0x6ffc, false), valid(0x7000, false)]).toEqual([false, false]);
    expect([bus.isIo(0x5000), bus.isIo(0x6000), bus.isIo(0x7000)]).toEqual([false, true, true]);
  });

  test('as an atomic operation, where reads and writes pass in one piece', () => {
    map(0x5000, 0x3000);
    map(0x6000, 0x4000, PAGE, 'write');
    map(0x7000, ROM);
    expect([bus.atomicAdd32(0, 0x5000, 5), bus.atomicAdd64(0, 0x5000, 1n), bus.result]).toEqual([
      0,
      5n,
      MEMTX_OK,
    ]);
    expect(memory.port.read(0x3000, 4)).toBe(6);
    const results = [0x6000, 0x7000, 0x9000].map((address) => {
      bus.atomicAdd32(0, address, 1);
      return bus.result;
    });
    expect(results).toEqual([MEMTX_DECODE_ERROR, MEMTX_ACCESS_ERROR, MEMTX_DECODE_ERROR]);
    const bytes = new IommuTable(memory.space, { minPageSize: 2 });
    root.addSubregion(2n ** 32n, MemoryRegion.iommu('bytes', PAGE, bytes));
    bytes.map({ iova: 0, size: 2, target: 0 });
    machine.checkpoint();
    bus.atomicAdd32(1, 0, 1);
    expect(bus.result).toBe(MEMTX_ERROR);
  });
});

describe('a chain', () => {
  test('of IOMMUs passes what each lets through', () => {
    const far = machine.show('far', MemoryRegion.container('far', 2n ** 64n));
    const outer = new IommuTable(machine.publisher.addressSpaces[Symbol.iterator]().next().value!);
    far.space.root!.addSubregion(0, MemoryRegion.iommu('outer', 2n ** 32n, outer));
    const busSpace = [...machine.publisher.addressSpaces].find(({ name }) => name === 'bus')!;
    outer.map({ iova: 0, size: 4 * PAGE, target: 0x4000, space: busSpace });
    map(0x5000, 0x3000, PAGE, 'read');
    memory.port.write(0x3004, 4, 77);
    expect([far.port.read(0x1004, 4), far.port.read(0x1004, 4)]).toEqual([77, 77]);
    far.port.write(0x1004, 4, 1);
    expect([far.port.result, memory.port.read(0x3004, 4)]).toEqual([MEMTX_DECODE_ERROR, 77]);
    const entry = far.port.iotlbEntry(0x1004, false);
    expect(entry).toEqual({ addressSpace: 0, translated: 0x3000n, mask: 0xfffn, permission: 'read' });
    expect(far.port.iotlbEntry(0x1004, true)).toBeNull();
    void table.unmap(0x5000, PAGE); // the inner one, that only what is behind has met
    machine.checkpoint();
    expect([far.port.read(0x1004, 4), far.port.result]).toEqual([0, MEMTX_DECODE_ERROR]);
  });

  test('that leads to itself is a hole', () => {
    const busSpace = [...machine.publisher.addressSpaces].find(({ name }) => name === 'bus')!;
    table.map({ iova: 0, size: 4 * PAGE, target: 0, space: busSpace });
    machine.checkpoint();
    expect([bus.read(0x1004, 4), bus.result]).toEqual([0, MEMTX_DECODE_ERROR]);
    bus.writeBig(0x1ffd, 1n);
    expect(bus.result).toBe(MEMTX_DECODE_ERROR);
    expect(bus.readBytes(0, new Uint8Array(3 * PAGE))).toBe(MEMTX_DECODE_ERROR);
    bus.atomicAdd32(0, 0, 1);
    expect([bus.result, bus.isIo(0), bus.iotlbEntry(0, false)]).toEqual([MEMTX_DECODE_ERROR, true, null]);
  });
});

describe('where an access ends', () => {
  test.each([
    ['in the midst of a mapping that moves as one', 0x1_5000, 0x2345, 0x2000n, 0xfffn],
    ['in one whose place is aligned alike', 0x1_4000, 0x4345, 0x4000n, 0x3fffn],
  ])('%s', (_, iova, offset, translated, mask) => {
    map(iova, 0, 8 * PAGE);
    const entry = bus.iotlbEntry(iova + offset, true);
    expect(entry).toEqual({ addressSpace: 0, translated, mask, permission: 'read-write' });
  });

  test('is its page where no IOMMU is, and nowhere where nothing answers', () => {
    expect(memory.port.iotlbEntry(0x3456, false)).toEqual({
      ...{ addressSpace: 0, translated: 0x3000n, mask: 0xfffn, permission: 'read-write' },
    });
    expect(memory.port.iotlbEntry(0x9000, false)).toBeNull();
    expect(bus.iotlbEntry(0x9000, false)).toBeNull();
  });
});

describe('attributes', () => {
  test.each([
    ['requesterId', { requesterId: 3 }, { requesterId: 4 }],
    ['pid', { pid: 3 }, { pid: 4 }],
    ['space', { space: 1 }, { space: 0 }],
    ['secure', { secure: true }, { secure: false }],
    ['user', { user: true }, {}],
  ] as const)('choose the index by %s', (indexFrom, mapped, other) => {
    const own = new IommuTable(memory.space, { indexes: 4, indexFrom });
    root.addSubregion(2n ** 32n, MemoryRegion.iommu('own', PAGE, own));
    const index = indexFrom === 'requesterId' || indexFrom === 'pid' ? 3 : 1;
    own.map({ iova: 0, size: PAGE, target: 0x2000, index });
    machine.checkpoint();
    memory.port.write(0x2000, 4, 99);
    const read = (): number[] => [bus.read(2 ** 32, 4), bus.result];
    bus.attrs = memTxAttrs(mapped);
    expect([read(), read()]).toEqual([
      [99, MEMTX_OK],
      [99, MEMTX_OK],
    ]);
    bus.attrs = memTxAttrs(other); // past the last index, or one with nothing mapped
    expect(read()).toEqual([0, MEMTX_DECODE_ERROR]);
  });
});

describe('publication', () => {
  test('several changes in one transaction are one publication', () => {
    const before = machine.publisher.publications;
    transaction(() => {
      table.map({ iova: 0, size: PAGE, target: 0 });
      table.map({ iova: PAGE, size: PAGE, target: 0 });
      void table.unmap(0, PAGE);
    });
    expect(machine.publisher.publications).toBe(before + 1);
  });

  test('what was replaced is given back after a grace period, to the byte', () => {
    map(0, 0);
    machine.grace.poll();
    const used = machine.arena.usedBytes;
    for (let i = 0; i < 20; i += 1) {
      void table.unmap(0, PAGE);
      map(0, 0);
    }
    machine.grace.poll();
    expect([machine.arena.usedBytes, machine.grace.retiredBytes]).toEqual([used, 0]);
  });

  test('an arena that is full leaves the table as it was', () => {
    map(0, 0);
    machine.grace.poll();
    const used = machine.arena.usedBytes;
    const mapMany = (): void =>
      transaction(() => {
        for (let i = 1; i < 70_000; i += 1) table.map({ iova: i * PAGE, size: PAGE, target: 0 });
      });
    expect(codeOf(mapMany)).toBe('ARENA_FULL');
    expect(table.mappingsOf()).toHaveLength(1);
    expect(machine.arena.usedBytes).toBe(used);
    machine.checkpoint();
    expect([bus.read(0, 4), bus.result]).toEqual([0, MEMTX_OK]);
  });

  test('an address space that the machine does not have is refused; so is one that it lost', () => {
    const foreign = new AddressSpace('foreign');
    const mapForeign = (): void => table.map({ iova: 0, size: PAGE, target: 0, space: foreign });
    expect(codeOf(mapForeign)).toBe('ADDRESS_SPACE_UNKNOWN');
    expect(table.mappingsOf()).toHaveLength(0);
    map(0, 0);
    machine.publisher.remove(memory.space);
    machine.checkpoint();
    expect([bus.read(0, 4), bus.result]).toEqual([0, MEMTX_DECODE_ERROR]);
    expect(codeOf(() => map(PAGE, 0))).toBe('ADDRESS_SPACE_UNKNOWN');
    void table.unmap(0, PAGE);
    expect(table.mappingsOf()).toHaveLength(0);
  });

  test('more indexes than there are roots refuse the region', () => {
    const add = (name: string): void =>
      root.addSubregion(
        2n ** 33n,
        MemoryRegion.iommu(name, PAGE, new IommuTable(memory.space, { indexes: 512 })),
      );
    add('one');
    expect(codeOf(() => add('two'))).toBe('ADDRESS_SPACES_EXHAUSTED');
  });

  test('mappings made before the region is shown are there when it is', () => {
    const early = new IommuTable(memory.space);
    const region = MemoryRegion.iommu('early', PAGE, early);
    early.map({ iova: 0, size: PAGE, target: 0x2000 });
    memory.port.write(0x2000, 4, 5);
    root.addSubregion(2n ** 32n, region);
    machine.checkpoint();
    expect(bus.read(2 ** 32, 4)).toBe(5);
  });
});
