/** The Machine as its caller sees it; the threads are tried in vcpu-*.test.ts and device-*.test.ts. */
import { afterEach, describe, expect, test } from 'vitest';
import { controlDevice } from '../../src/base/device-binding.ts';
import { AddressSpace } from '../../src/model/address-space.ts';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import { transaction } from '../../src/model/transaction.ts';
import type { Publication } from '../../src/publish/publications.ts';
import { Machine } from '../../src/service/machine.ts';
import type { MachineOptions } from '../../src/service/machine-options.ts';

const machines: Machine[] = [];
function newMachine(options: MachineOptions = {}): Machine {
  const machine = new Machine({ ramReserveBytes: 2 ** 22, arenaBytes: 2 ** 20, checked: true, ...options });
  machines.push(machine);
  return machine;
}
afterEach(async () => {
  await Promise.all(machines.splice(0).map((machine) => machine.close()));
});

const codeOf = async (action: () => unknown): Promise<unknown> => {
  try {
    await action();
    return 'nothing was thrown';
  } catch (error) {
    return (error as { code?: unknown }).code;
  }
};

describe('options', () => {
  test.each<[keyof MachineOptions, number]>([
    ['arenaBytes', 0],
    ['arenaBytes', 2 ** 20 + 1],
    ['arenaBytes', 2 ** 40],
    ['ramReserveBytes', -4096],
    ['ramReserveBytes', 4097],
    ['garbageBytesMax', Number.NaN],
    ['vcpuSlots', 0],
    ['vcpuSlots', 257],
    ['stallMs', 0.5],
  ])('%s = %d is refused, by name', (name, value) => {
    expect(() => newMachine({ [name]: value })).toThrow(
      new RegExp(`INVALID_ARGUMENT: machine option ${name} must`),
    );
  });

  test('an arena that is too small for the layout refuses the transaction and keeps the one before', () => {
    const machine = newMachine({ arenaBytes: 2 ** 16 });
    const root = MemoryRegion.container('root', 2n ** 64n);
    const space = machine.addAddressSpace('memory', root);
    root.addSubregion(0, MemoryRegion.ram('ram', 0x1000));
    const before = machine.gauges;
    const addMany = (): void =>
      transaction(() => {
        for (let i = 1; i < 2000; i += 1) root.addSubregion(i * 0x10001, MemoryRegion.io(`dev${i}`, 1, null));
      });
    expect(addMany).toThrow(/ARENA_FULL: .*larger arenaBytes/);
    expect(machine.gauges).toEqual({ ...before, highWaterBytes: expect.any(Number) });
    expect(root.children).toHaveLength(1);
    expect(machine.flatViewOf(space).ranges).toHaveLength(1);
    root.addSubregion(0x1000, MemoryRegion.ram('more', 0x1000));
    expect(machine.flatViewOf(space).ranges).toHaveLength(2);
  });
});

describe('address spaces', () => {
  test('come, share views, and go', () => {
    const machine = newMachine();
    const root = MemoryRegion.container('root', 0x10000);
    root.addSubregion(0, MemoryRegion.ram('ram', 0x1000));
    const first = machine.addAddressSpace('memory', root);
    const live = machine.gauges.liveBytes;
    const second = machine.addAddressSpace(new AddressSpace('memory', root));
    expect(machine.gauges.liveBytes).toBe(live);
    expect(machine.addressSpaces).toEqual([first, second]);
    void machine.removeAddressSpace(first);
    void machine.removeAddressSpace(first);
    expect(machine.addressSpaces).toEqual([second]);
    expect(() => machine.flatViewOf(first)).toThrow(/ADDRESS_SPACE_UNKNOWN/);
    void machine.removeAddressSpace(second);
    expect(machine.gauges.liveBytes + machine.gauges.retiredBytes).toBeLessThanOrEqual(live);
  });

  test('one that is added in a transaction that throws is not there', () => {
    const machine = newMachine();
    const space = new AddressSpace('late');
    expect(() =>
      transaction(() => {
        machine.addAddressSpace(space, MemoryRegion.ram('ram', 0x1000));
        throw new Error('changed my mind');
      }),
    ).toThrow('changed my mind');
    expect(machine.addressSpaces).toEqual([]);
    expect(space.root).toBeNull();
  });

  test('twice the same, and one too many, are errors', () => {
    const machine = newMachine();
    const space = machine.addAddressSpace('memory');
    expect(() => machine.addAddressSpace(space)).toThrow(
      /INVALID_ARGUMENT: .*belongs to this machine already/,
    );
    for (let i = 1; i < 1024; i += 1) machine.addAddressSpace(`space${i}`);
    expect(() => machine.addAddressSpace('one too many')).toThrow(/ADDRESS_SPACES_EXHAUSTED/);
  });
});

test('an address space has the number by which threads know it', async () => {
  const machine = newMachine();
  const spaces = ['memory', 'I/O', 'memory'].map((name) => machine.addAddressSpace(name));
  expect(spaces.map((space) => machine.indexOf(space))).toEqual([0, 1, 2]);
  expect(await codeOf(() => machine.indexOf(new AddressSpace('elsewhere')))).toBe('ADDRESS_SPACE_UNKNOWN');
  expect(machine.readers).toEqual([]);
});

describe('publications', () => {
  test('tell which addresses of which address space answer differently, once a transaction', () => {
    const machine = newMachine();
    const root = MemoryRegion.container('root', 2n ** 64n);
    const bar = MemoryRegion.io('bar', 0x1000, controlDevice({ read: () => 0, write: () => {} }));
    root.addSubregion(0x1000, bar);
    const space = machine.addAddressSpace('memory', root);
    const other = machine.addAddressSpace('other', MemoryRegion.container('elsewhere', 1));
    const seen: Publication[] = [];
    const stop = machine.onPublication((publication) => seen.push(publication));
    transaction(() => {
      bar.setAddress(0x8000);
      bar.setAddress(0x4000);
    });
    bar.setAddress(0x4000);
    expect(seen.map(({ changed }) => changed)).toEqual([
      [
        {
          addressSpace: space,
          windows: [
            { start: 0x1000n, last: 0x1fffn },
            { start: 0x4000n, last: 0x4fffn },
          ],
        },
      ],
    ]);
    expect(machine.flatViewOf(other).ranges).toEqual([]);
    stop();
    bar.setAddress(0x1000);
    expect(seen).toHaveLength(1);
  });
});

describe('RAM', () => {
  test('is written and read by region, mapped or not, within its bounds', () => {
    const machine = newMachine();
    const ram = MemoryRegion.ram('ram', 0x2000);
    machine.writeRam(ram, 0x1ffe, Uint8Array.of(1, 2));
    expect([...machine.readRam(ram, 0x1ffdn, 3)]).toEqual([0, 1, 2]);
    expect(() => machine.writeRam(ram, 0x1fff, Uint8Array.of(1, 2))).toThrow(/INVALID_ARGUMENT: .*'ram'/);
    expect(() => machine.readRam(ram, -1, 1)).toThrow(/INVALID_ARGUMENT/);
    expect(() => machine.readRam(MemoryRegion.container('box', 1), 0, 1)).toThrow(/NOT_RAM: region 'box'/);
  });

  test('is given back after a grace period, zeroed, but not while it is mapped', async () => {
    const machine = newMachine({ ramReserveBytes: 2 ** 16 });
    const root = MemoryRegion.container('root', 2n ** 64n);
    machine.addAddressSpace('memory', root);
    const reserved = machine.gauges.ramReservedBytes;
    const first = MemoryRegion.ram('first', 2 ** 16);
    root.addSubregion(0, first);
    machine.writeRam(first, 0, Uint8Array.of(7));
    expect(await codeOf(() => machine.releaseRam(first))).toBe('REGION_STILL_MAPPED');
    root.delSubregion(first);
    await machine.releaseRam(first);
    const second = MemoryRegion.ram('second', 2 ** 16);
    root.addSubregion(0, second);
    expect([...machine.readRam(second, 0, 1)]).toEqual([0]);
    expect(machine.gauges.ramReservedBytes).toBe(reserved);
  });
});

test('a closed machine starts nothing and publishes nothing', async () => {
  const machine = newMachine();
  const root = MemoryRegion.container('root', 0x1000);
  machine.addAddressSpace('memory', root);
  const awaited = machine.synchronize();
  await machine.close();
  await machine.close();
  await awaited;
  await machine.synchronize();
  const { publications } = machine.gauges;
  root.addSubregion(0, MemoryRegion.ram('ram', 0x1000));
  expect(machine.gauges.publications).toBe(publications);
  expect(() => machine.addAddressSpace('late')).toThrow(/MACHINE_CLOSED/);
  expect(() => machine.startVcpu({ program: new URL('file:///nowhere.js') })).toThrow(/MACHINE_CLOSED/);
  expect(await codeOf(() => machine.startDeviceHost())).toBe('MACHINE_CLOSED');
});
