/**
 * What machines leave behind: nothing, however they end. `npm run leaks` does the same with 200 of them. The first
 * of each kind comes before the measurement, since it loads modules.
 */
import { expect, test } from 'vitest';
import { controlDevice } from '../../src/base/device-binding.ts';
import { sharedBuffer, sharedMemory } from '../../src/base/shared-memory.ts';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import { Machine } from '../../src/service/machine.ts';
import { leaksBetween, settledFootprint } from '../../stress/leaks/footprint.ts';
import { lives, RAM_BYTES } from '../../stress/leaks/lives.ts';

/** The test runner's own heap moves by itself. */
const ALLOWANCE = { heapBytes: 2 ** 24, virtualBytes: 2 * RAM_BYTES };

/** Threads of a TypeScript project come up slowly where cores are few. */
const BOUND_MS = 180_000;

test(
  'heap, handles, threads, files and shared bytes are back after machines that ended in the hard ways',
  async () => {
    const hard = lives.filter(({ isHard }) => isHard);
    for (const { run } of hard) await run();
    const before = await settledFootprint();
    for (const { run } of hard) await run();
    expect(leaksBetween(before, await settledFootprint(), ALLOWANCE)).toEqual([]);
  },
  BOUND_MS,
);

test('the gauges see a buffer that somebody keeps, and handles', async () => {
  const before = await settledFootprint();
  const kept = sharedBuffer(4096);
  const machine = new Machine({ ramReserveBytes: 4096, arenaBytes: 2 ** 16 });
  const host = await machine.startDeviceHost();
  const leaks = leaksBetween(before, await settledFootprint(), ALLOWANCE).join('\n');
  for (const figure of ['sharedBuffers', 'sharedBytes', 'threads']) expect(leaks).toContain(`${figure}: `);
  await machine.closeDeviceHost(host);
  await machine.close();
  expect(kept.byteLength).toBe(4096);
});

test('a machine’s gauge counts each of its buffers', async () => {
  const before = sharedMemory().bytes;
  const machine = new Machine({ ramReserveBytes: 2 ** 16, arenaBytes: 2 ** 16 });
  const device = MemoryRegion.io('uart', 0x1000, controlDevice({ read: () => 0, write: () => {} }));
  const root = MemoryRegion.container('root', 2n ** 64n);
  root.addSubregion(0, MemoryRegion.ram('large', 2 ** 20));
  root.addSubregion(2 ** 24, device);
  machine.addAddressSpace('memory', root);
  const { sharedBytes } = machine.gauges;
  device.coalescing.add(0, 4);
  expect(machine.gauges.sharedBytes).toBeGreaterThan(sharedBytes);
  expect(machine.gauges.sharedBytes).toBe(sharedMemory().bytes - before);
  await machine.close();
});
