/** What a port forgets when its layout changes: no more than it must, and never less. */
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DELTA_COUNT_MAX } from '../../src/layout/delta-ring.ts';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import { transaction } from '../../src/model/transaction.ts';
import type { MemoryPort } from '../../src/vcpu/memory-port.ts';
import { createTlb, dropRange, dropSlowEntries, PAGE_MASK, TLB_SLOW, tlbEntry } from '../../src/vcpu/tlb.ts';
import { BenchMachine, registers } from '../support/bench-machine.ts';

const PAGE = 0x1000;
const PAGE_BYTES = 0x1000n;
const half = (value: bigint): number => Number(BigInt.asIntN(32, value));

/** A TLB that remembers `pages`, and how to ask it. */
function tlbOf(pages: readonly bigint[], kind = 0) {
  const tlb = createTlb();
  for (const page of pages) {
    const entry = tlbEntry(half(page >> 32n), half(page));
    tlb.set([half(page) | kind, half(page) | kind, half(page >> 32n), 0], entry);
  }
  const has = (page: bigint): boolean => {
    const entry = tlbEntry(half(page >> 32n), half(page));
    return tlb[entry] === (half(page) | kind) && tlb[entry + 2] === half(page >> 32n);
  };
  return { tlb, has };
}

describe('dropRange', () => {
  test('forgets exactly the pages that meet the range', () => {
    const address = fc.oneof(
      fc.bigInt({ min: 0n, max: 40n * PAGE_BYTES }),
      fc.bigInt({ min: 2n ** 32n - 20n * PAGE_BYTES, max: 2n ** 32n + 20n * PAGE_BYTES }),
      fc.bigInt({ min: 2n ** 64n - 40n * PAGE_BYTES, max: 2n ** 64n - 1n }),
      fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    );
    fc.assert(
      fc.property(fc.array(address, { maxLength: 60 }), address, address, (addresses, a, b) => {
        const pages = addresses.map((each) => each & ~(PAGE_BYTES - 1n));
        const { tlb, has } = tlbOf(pages);
        const remembered = pages.filter(has);
        const [start, last] = a < b ? [a, b] : [b, a];
        dropRange(tlb, half(start >> 32n), half(start), half(last >> 32n), half(last));
        for (const page of remembered) {
          expect([page, has(page)]).toEqual([page, page > last || page + PAGE_BYTES <= start]);
        }
      }),
    );
  });

  test('forgets nothing where the last address is before the first', () => {
    const { tlb, has } = tlbOf([0n, 0xffff_ffff_ffff_f000n]);
    dropRange(tlb, -1, -1, 0, 0);
    expect([has(0n), has(0xffff_ffff_ffff_f000n)]).toEqual([true, true]);
  });
});

test('dropSlowEntries forgets the pages that name a cell, and no others', () => {
  const { tlb, has } = tlbOf([0x1000n, 0x2000n], TLB_SLOW);
  const plain = tlbEntry(0, 0x5000);
  tlb.set([0x5000, 0x5000, 0, 7], plain);
  dropSlowEntries(tlb);
  expect([has(0x1000n), has(0x2000n), tlb[plain]! & PAGE_MASK]).toEqual([false, false, 0x5000]);
});

describe('a port whose layout changes', () => {
  let machine: BenchMachine;
  let port: MemoryPort;
  let root: MemoryRegion;
  let bar: MemoryRegion;
  let rom: MemoryRegion;
  beforeEach(() => {
    machine = new BenchMachine();
    root = MemoryRegion.container('root', 2n ** 64n);
    bar = MemoryRegion.io('bar', PAGE, registers(PAGE).device);
    rom = MemoryRegion.ram('shadow', PAGE);
    root.addSubregion(0, MemoryRegion.ram('ram', 16 * PAGE));
    root.addSubregion(0x10_0000, bar);
    root.addSubregion(0x20_0000, rom);
    port = machine.show('memory', root).port;
  });
  afterEach(() => machine.close());

  /** The addresses among these whose pages are in the TLB. */
  const remembered = (...addresses: number[]): number[] => {
    const { tlb } = (port as unknown as { slow: { tlb: Int32Array } }).slow;
    return addresses.filter(
      (at) => (tlb[tlbEntry(0, at)]! & PAGE_MASK) === at && tlb[tlbEntry(0, at)] !== 0x400,
    );
  };
  const touch = (...addresses: number[]): void => {
    for (const at of addresses) port.load32(0, at);
  };

  test('forgets where the BAR was and where it is, and keeps the rest', () => {
    touch(PAGE, 0x10_0000, 0x20_0000, 0x30_0000);
    bar.setAddress(0x30_0000);
    machine.checkpoint();
    expect(remembered(PAGE, 0x10_0000, 0x20_0000, 0x30_0000)).toEqual([PAGE, 0x20_0000]);
    port.store32(0, 0x30_0000, 5);
    expect([port.load32(0, 0x30_0000), port.load32(0, 0x10_0000)]).toEqual([5, 0]);
  });

  test('forgets what is written differently, though it reads the same', () => {
    touch(PAGE, 0x20_0000);
    port.store32(0, 0x20_0000, 1);
    rom.setReadonly(true);
    machine.checkpoint();
    expect(remembered(PAGE, 0x20_0000)).toEqual([PAGE]);
    port.store32(0, 0x20_0000, 2);
    expect(port.load32(0, 0x20_0000)).toBe(1);
  });

  test('forgets where another dirty-log mask is', () => {
    touch(PAGE, 0x20_0000);
    rom.dirtyLog.setLog(true, 0);
    machine.checkpoint();
    expect(remembered(PAGE, 0x20_0000)).toEqual([PAGE]);
  });

  test('keeps up over several layouts, and past a change of another address space', () => {
    const other = machine.show('other', MemoryRegion.ram('elsewhere', PAGE));
    touch(PAGE, 0x10_0000);
    bar.setAddress(0x30_0000);
    other.space.setRoot(null);
    bar.setAddress(0x40_0000);
    machine.checkpoint();
    expect(remembered(PAGE)).toEqual([PAGE]);
    port.store32(0, 0x40_0000, 9);
    expect([port.load32(0, 0x40_0000), port.load32(0, 0x30_0000)]).toEqual([9, 0]);
    expect([other.port.load32(0, 0), other.port.result]).toEqual([0, 2]);
  });

  test.each([
    ['as many deltas as the ring holds', DELTA_COUNT_MAX],
    ['more', DELTA_COUNT_MAX + 1],
    ['far more', 5 * DELTA_COUNT_MAX],
  ])('forgets all when it is behind by %s', (_what, moves) => {
    touch(PAGE, 0x10_0000);
    for (let move = 1; move <= moves; move += 1) bar.setAddress(0x30_0000 + (move % 2) * PAGE);
    machine.checkpoint();
    expect(remembered(PAGE)).toEqual([]);
    touch(PAGE);
    bar.setAddress(0x50_0000);
    machine.checkpoint(); // and is up to date from there on
    expect(remembered(PAGE)).toEqual([PAGE]);
  });

  test('takes a change of very many windows for one of everything', () => {
    touch(PAGE);
    transaction(() => {
      for (let i = 0; i < 20; i += 1)
        root.addSubregion(0x100_0000 + 2 * i * PAGE, MemoryRegion.io(`bar ${i}`, PAGE, null));
    });
    machine.checkpoint();
    expect(remembered(PAGE)).toEqual([]);
  });

  test('keeps all when it gets another view in which nothing differs', () => {
    touch(PAGE);
    const wrapper = MemoryRegion.container('wrapper', 2n ** 64n);
    wrapper.addSubregion(0, MemoryRegion.alias('all', root, 0, 2n ** 64n));
    wrapper.addSubregion(0x700_0000, MemoryRegion.container('nothing', PAGE));
    for (const space of machine.publisher.addressSpaces) space.setRoot(wrapper);
    machine.checkpoint();
    expect(remembered(PAGE)).toEqual([PAGE]);
  });

  test('forgets what it looked up by the cell of a section: its view is another one', () => {
    const spare = MemoryRegion.ram('spare', 3);
    root.addSubregion(0x60_0000, MemoryRegion.io('reserved', PAGE, null));
    root.addSubregion(0x61_0000, spare);
    machine.checkpoint();
    touch(0x60_0000);
    bar.setAddress(0x30_0000);
    machine.checkpoint();
    expect(remembered(0x60_0000)).toEqual([]);
  });
});
