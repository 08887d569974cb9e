/** What vCPU threads have beyond their checkpoints: bounce bytes of a common budget, caches, holds. And their ends. */
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { controlDevice, hostedDevice } from '../../src/base/device-binding.ts';
import { MEMTX_OK } from '../../src/base/mem-tx-result.ts';
import type { AddressSpace } from '../../src/model/address-space.ts';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import { transaction } from '../../src/model/transaction.ts';
import { Machine } from '../../src/service/machine.ts';
import type { VcpuHandle } from '../../src/service/vcpu-handle.ts';
import type { Trial } from './programs/holds.ts';

const program = new URL('./programs/holds.ts', import.meta.url);
const masters = new URL('./programs/bus-masters.ts', import.meta.url);
const DEVICE = 0x4000_0000;

let machine: Machine;
let root: MemoryRegion;
let ram: MemoryRegion;
let space: AddressSpace;

beforeEach(() => {
  machine = new Machine({
    ramReserveBytes: 2 ** 20,
    arenaBytes: 2 ** 20,
    checked: true,
    traceAccesses: true,
  });
  root = MemoryRegion.container('root', 2n ** 64n);
  ram = MemoryRegion.ram('ram', 0x1000);
  root.addSubregion(0, ram);
  const device = controlDevice({ read: () => 0x55, write: () => {} });
  root.addSubregion(DEVICE, MemoryRegion.io('device', 1 << 20, device));
  space = machine.addAddressSpace('memory', root);
});
afterEach(() => machine.close());

const start = (what: Trial['what'], addressSpaces: string[] = []): VcpuHandle =>
  machine.startVcpu({ program, data: { what, device: DEVICE } satisfies Trial, addressSpaces });
async function progress(value: number): Promise<void> {
  while (machine.readRam(ram, 0, 1)[0] !== value) await delay(2);
}
/** True once `condition` is; bounded by the test's own time. */
async function comesTrue(condition: () => boolean): Promise<true> {
  while (!condition()) await delay(2);
  return true;
}

describe('the bounce budget of all threads', () => {
  test('a map client of one vCPU is called, and woken, when another gives bytes back', async () => {
    const spender = start('spend');
    await progress(1);
    expect(machine.memory(space).map(DEVICE, 1, true)).toBeNull();
    const client = start('client');
    await progress(2);
    await comesTrue(() => client.phase === 'waiting-for-interrupt');
    spender.kick();
    expect(await spender.finished).toBe(MEMTX_OK);
    expect(await client.finished).toBe(16);
  });

  test('a map client of the control thread is called from its event loop', async () => {
    const spender = start('spend');
    await progress(1);
    const port = machine.memory(space);
    const bytes = new Promise<number>((resolve) => {
      port.registerMapClient(() => resolve(port.map(DEVICE, 16, false)?.bytes.length ?? 0));
    });
    spender.kick();
    expect(await bytes).toBe(16);
    await spender.finished;
  });

  test.each(['keep', 'hang'] as const)('a vCPU that ends with bytes (%s) gives them back', async (what) => {
    const vcpu = start(what);
    await progress(1);
    const port = machine.memory(space);
    expect(port.map(DEVICE, 1, true)).toBeNull();
    const called = new Promise<void>((resolve) => void port.registerMapClient(resolve));
    if (what === 'keep') await vcpu.stop();
    else await vcpu.terminate();
    await called;
    expect(port.map(DEVICE, 1 << 20, true)?.bytes).toHaveLength(4096);
  });
});

describe('holds', () => {
  const show = (value: number): MemoryRegion => {
    const region = MemoryRegion.ram(`shows ${value}`, 0x1000);
    machine.writeRam(region, 0, Uint8Array.of(value));
    return region;
  };

  test('a cache and a mapping show the layout of their making over hundreds of others, and keep its RAM', async () => {
    const first = show(111);
    root.addSubregion(0x1000, first);
    const vcpu = start('cache');
    await progress(1);
    const moved = show(7);
    root.addSubregion(0x2000, moved);
    root.delSubregion(first);
    let isReleased = false;
    const released = machine.releaseRam(first).then(() => {
      isReleased = true;
    });
    for (let i = 0; i < 300; i += 1) {
      moved.setAddress(0x2000 + 0x1000 * (i % 5));
      if (i % 10 === 0) await machine.synchronize();
    }
    const others = [1, 2, 3].map(show); // would be carved from the bytes that are held
    await machine.synchronize();
    expect([isReleased, machine.gauges.heldBytes > 0]).toEqual([false, true]);
    root.addSubregion(0x1000, show(222));
    expect(await vcpu.finished).toEqual([111]);
    await released;
    expect(machine.gauges.heldBytes).toBe(0);
    expect(others).toHaveLength(3);
  });

  test('of a thread that died end with its exit', async () => {
    const vcpu = start('hang');
    await progress(1);
    transaction(() => root.addSubregion(0x9000, MemoryRegion.ram('more', 0x1000)));
    await vcpu.terminate();
    await machine.synchronize();
    expect(await comesTrue(() => machine.gauges.heldBytes === 0)).toBe(true);
  });
});

test('accesses by attributes: secure ones go to the second address space', async () => {
  const smm = MemoryRegion.container('smm', 2n ** 64n);
  const smram = MemoryRegion.ram('smram', 0x1000);
  smm.addSubregionOverlap(0x1000, smram, 1);
  smm.addSubregion(0, MemoryRegion.alias('system', root, 0, 2n ** 64n));
  const below = MemoryRegion.ram('below', 0x1000);
  root.addSubregion(0x1000, below);
  machine.writeRam(smram, 0, Uint8Array.of(99));
  machine.writeRam(below, 0, Uint8Array.of(1));
  machine.addAddressSpace('smm', smm);
  expect(await start('secure', ['memory', 'smm']).finished).toEqual([99, 1, 99, 1, 'ADDRESS_SPACE_UNKNOWN']);
  expect(await start('secure', ['memory']).finished).toEqual([1, 1, 1, 1, 'ADDRESS_SPACE_UNKNOWN']);
});

test('each access to a device is told where the machine traces accesses', async () => {
  const vcpu = start('trace');
  const common = { slot: vcpu.id, result: MEMTX_OK, device: expect.any(Number), attrs: expect.any(Number) };
  expect(await vcpu.finished).toEqual([
    { ...common, offset: 4, size: 2, isWrite: true, value: 0xabcdn },
    { ...common, offset: 4, size: 1, isWrite: false, value: 0x55n },
    { ...common, offset: 8, size: 8, isWrite: true, value: 2n ** 64n - 2n },
  ]);
});

test('a device in a worker keeps what it mapped over its callbacks, and hears of bounce bytes', async () => {
  const host = await machine.startDeviceHost();
  const nic = machine.addBusMaster('nic', root);
  nic.setEnabled(true);
  const binding = hostedDevice(host, masters, {
    exportName: 'mapper',
    data: { space: 'nic', device: DEVICE },
  });
  root.addSubregion(0x5000_0000, MemoryRegion.io('mapper', 0x100, binding));
  const port = machine.memory(space);
  machine.writeRam(ram, 0x40, Uint8Array.of(5));
  port.write(0x5000_0000, 4, 0x40); // maps 1 byte there
  machine.writeRam(ram, 0x40, Uint8Array.of(6));
  await delay(20); // a turn of its event loop
  expect(port.read(0x5000_0000, 4)).toBe(6);
  const spent = machine.memory(nic.space).map(DEVICE, 4096, true);
  port.write(0x5000_0004, 4, 0); // registers a map client
  expect(port.read(0x5000_0004, 4)).toBe(0);
  machine.memory(nic.space).unmap(spent!, 0);
  while (port.read(0x5000_0004, 4) !== 1) await delay(2);
});
