/** Accesses through IOMMUs, case by case; iommu-model.test.ts has them at random. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { MEMTXATTRS_DEBUG, MEMTXATTRS_MEMORY, memTxAttrs } from '../../src/base/mem-tx-attrs.ts';
import {
  MEMTX_ACCESS_ERROR,
  MEMTX_DECODE_ERROR,
  MEMTX_ERROR,
  MEMTX_OK,
} from '../../src/base/mem-tx-result.ts';
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
