/** RAM that changes its size, and regions that end, in a machine with vCPUs on real threads. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import { Owner } from '../../src/model/owner.ts';
import { transaction } from '../../src/model/transaction.ts';
import { Machine } from '../../src/service/machine.ts';
import { codeOf } from '../support/code-of.ts';

const PAGE = 0x1000;
let machine: Machine;
let root: MemoryRegion;
beforeEach(() => {
  machine = new Machine({ ramReserveBytes: 2 ** 16, arenaBytes: 2 ** 20, checked: true });
  root = MemoryRegion.container('root', 2n ** 64n);
  machine.addAddressSpace('memory', root);
});
afterEach(() => machine.close());

describe('resizable RAM', () => {
  test('is reserved whole, so that nothing moves when it grows; what is beyond its size is kept', () => {
    const onResized = vi.fn();
    const ram = MemoryRegion.resizableRam('acpi', 16, 4 * PAGE, { onResized });
    root.addSubregion(0, ram);
    machine.writeRam(ram, 8, Uint8Array.of(42));
    const start = machine.ramAddressOf(ram, 0);
    machine.writeRam(MemoryRegion.ram('behind', PAGE), 0, Uint8Array.of(1));
    machine.resizeRam(ram, 4 * PAGE);
    expect(onResized.mock.calls).toEqual([[BigInt(4 * PAGE)]]);
    expect(machine.ramAddressOf(ram, 4 * PAGE - 1)).toBe(start + BigInt(4 * PAGE - 1));
    machine.resizeRam(ram, 4);
    machine.resizeRam(ram, 16);
    expect([...machine.readRam(ram, 8, 1)]).toEqual([42]);
    expect(machine.ramBlocks[0]).toMatchObject({ id: 'acpi', usedBytes: 4096n, totalBytes: 16384n });
  });

  test('is told of its new size after the outermost transaction, and may begin another', () => {
    const log: string[] = [];
    const ram = MemoryRegion.resizableRam('acpi', 16, PAGE, {
      onResized(size) {
        log.push(`resized to ${size}`);
        root.setEnabled(true);
      },
    });
    root.addSubregion(0, ram);
    machine.onPublication(() => log.push('published'));
    transaction(() => {
      root.setEnabled(false);
      machine.resizeRam(ram, 32);
      log.push('in between');
    });
    expect(log).toEqual(['in between', 'published', 'resized to 32', 'published']);
  });

  test('is not told of a size that is undone, or the same', () => {
    const onResized = vi.fn();
    const ram = MemoryRegion.resizableRam('acpi', 16, PAGE, { onResized });
    const undone = (): void =>
      transaction(() => {
        machine.resizeRam(ram, 32);
        throw new Error('undo');
      });
    expect(undone).toThrow('undo');
    machine.resizeRam(ram, 16);
    expect(ram.size).toBe(16n);
    expect(onResized).not.toHaveBeenCalled();
  });

  test.each<[string, () => void, string]>([
    [
      'past its largest size',
      () => machine.resizeRam(MemoryRegion.resizableRam('r', 1, 2), 3),
      'RAM_EXHAUSTED',
    ],
    ['other RAM', () => machine.resizeRam(MemoryRegion.ram('r', 1), 1), 'RAM_NOT_RESIZABLE'],
    ['to begin larger than it may be', () => MemoryRegion.resizableRam('r', 3, 2), 'INVALID_ARGUMENT'],
    [
      'a negative size',
      () => machine.resizeRam(MemoryRegion.resizableRam('r', 1, 2), -1),
      'INVALID_ARGUMENT',
    ],
  ])('refuses %s', (_what, body, code) => expect(codeOf(body)).toBe(code));
});

test('RAM, ROM and ROM devices are migratable by default, what the machine is given is not', () => {
  const buffer = new SharedArrayBuffer(PAGE);
  const regions = [
    MemoryRegion.ram('ram', 1),
    MemoryRegion.rom('rom', 1),
    MemoryRegion.romDevice('flash', 1, null),
    MemoryRegion.ramOver('shared', buffer),
    MemoryRegion.ramDevice('bar', 1),
    MemoryRegion.resizableRam('acpi', 1, 2),
    MemoryRegion.ram('scratch', 1, { migratable: false }),
    MemoryRegion.ramOver('dimm', buffer, { migratable: true }),
  ];
  for (const region of regions) machine.readRam(region, 0, 1);
  expect(machine.migratableRegions.map(({ name }) => name)).toEqual(['ram', 'rom', 'flash', 'dimm']);
  expect(MemoryRegion.container('c', 1).migratable).toBe(false);
});

test('a byte, its RAM address and its region lead to each other', () => {
  const ram = MemoryRegion.ram('ram', PAGE);
  machine.ramBytes(ram, 16, 4).set([1, 2, 3, 4]);
  expect([...machine.readRam(ram, 15, 4)]).toEqual([0, 1, 2, 3]);
  const address = machine.ramAddressOf(ram, 17);
  expect(machine.regionFromRamAddress(address)).toEqual({ region: ram, offset: 17n });
  expect(machine.regionFromRamAddress(1n << 60n)).toBeNull();
});

describe('the end of a region', () => {
  test('takes it out of its container and its children out of it, gives its RAM back, and is final', async () => {
    const [ram, child] = [MemoryRegion.ram('ram', PAGE), MemoryRegion.io('child', 16, null)];
    ram.addSubregion(0, child);
    root.addSubregion(0, ram);
    const published = machine.gauges.publications;
    await machine.finalizeRegion(ram);
    expect(machine.gauges.publications).toBe(published + 1);
    expect(ram).toMatchObject({ container: null, children: [], enabled: false, isFinalized: true });
    expect(child).toMatchObject({ container: null, isFinalized: false });
    expect(machine.ramBlocks).toEqual([]);
    expect(codeOf(() => machine.readRam(ram, 0, 1))).toBe('REGION_FINALIZED');
    await expect(machine.finalizeRegion(ram)).rejects.toMatchObject({ code: 'REGION_FINALIZED' });
  });

  test('is refused for the root of an address space, which stays as it is', async () => {
    const child = MemoryRegion.ram('ram', PAGE);
    root.addSubregion(0, child);
    await expect(machine.finalizeRegion(root)).rejects.toMatchObject({ code: 'REGION_STILL_MAPPED' });
    expect(root).toMatchObject({ enabled: true, isFinalized: false, children: [child] });
  });

  test('lets its owner make another of that name', async () => {
    const owner = new Owner('/machine/dimm0');
    const make = (): MemoryRegion => MemoryRegion.ram('ram', PAGE, { owner });
    const [first, second] = [make(), make()];
    machine.readRam(first, 0, 1);
    expect(codeOf(() => machine.readRam(second, 0, 1))).toBe('RAM_ID_TAKEN');
    await machine.finalizeRegion(first);
    expect(make().path).toBe(first.path);
    machine.readRam(second, 0, 1);
  });
});

describe('with vCPUs that run', () => {
  const program = new URL('./programs/basics.ts', import.meta.url);

  test('an owner ends after the last access to its RAM, once, and each time its RAM is free again', async () => {
    const counters = MemoryRegion.ram('counters', PAGE);
    root.addSubregion(0, counters);
    const vcpus = [0, 1].map(() => machine.startVcpu({ program, data: { what: 'count' } }));
    const countersThere = machine.ramBytes(counters, 0x100, 8);
    const oldCount = new Int32Array(countersThere.buffer, countersThere.byteOffset, 1);
    const before = machine.gauges.ramReservedBytes;
    const ends: string[] = [];
    for (let round = 0; round < 20; round += 1) {
      const owner = new Owner(`/machine/dimm${round}`, { onFinalized: () => ends.push(owner.name) });
      const dimm = MemoryRegion.ram('ram', 8 * PAGE, { owner });
      root.addSubregionOverlap(0, dimm, 1); // now they count in it
      const there = machine.ramBytes(dimm, 0x100, 8);
      const counts = new Int32Array(there.buffer, there.byteOffset, 2);
      while (Atomics.load(counts, 0) === 0 || Atomics.load(counts, 1) === 0) await machine.synchronize();
      root.delSubregion(dimm);
      await owner.destroy();
      expect(ends).toHaveLength(round + 1);
      const base = Atomics.load(oldCount, 0);
      while (Atomics.load(oldCount, 0) === base) await machine.synchronize(); // they count in the old RAM again
      expect([...there]).toEqual(Array(8).fill(0)); // and wrote no more here after it was given back
    }
    expect(new Set(ends).size).toBe(20);
    expect(machine.ramBlocks.map(({ id }) => id)).toEqual(['counters']);
    expect(machine.gauges.ramReservedBytes).toBe(before);
    await machine.stop();
    await Promise.all(vcpus.map(({ finished }) => finished));
  });
});
