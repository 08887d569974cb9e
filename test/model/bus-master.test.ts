/** Address spaces of bus masters: a switch, and no views of their own. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { MEMTX_DECODE_ERROR, MEMTX_OK } from '../../src/base/mem-tx-result.ts';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import { Machine } from '../../src/service/machine.ts';
import { codeOf } from '../support/code-of.ts';

let machine: Machine;
let memory: MemoryRegion;
beforeEach(() => {
  machine = new Machine({ ramReserveBytes: 2 ** 20, arenaBytes: 2 ** 20, checked: true });
  memory = MemoryRegion.container('system', 2n ** 64n);
  memory.addSubregion(0, MemoryRegion.ram('ram', 0x1000));
});
afterEach(() => machine.close());

test('a bus master reaches memory while it is enabled, and starts disabled', () => {
  machine.addAddressSpace('memory', memory);
  const nic = machine.addBusMaster('nic', memory);
  const port = machine.memory(nic.space);
  expect([nic.isEnabled, port.writeBytes(0, Uint8Array.of(7))]).toEqual([false, MEMTX_DECODE_ERROR]);
  nic.setEnabled(true);
  expect([nic.isEnabled, port.writeBytes(0, Uint8Array.of(7))]).toEqual([true, MEMTX_OK]);
  nic.setEnabled(false);
  expect([port.read(0, 1), port.result]).toEqual([0, MEMTX_DECODE_ERROR]);
});

test('a hundred bus masters make no view: enabled they share that of memory, disabled that of nothing', async () => {
  const space = machine.addAddressSpace('memory', memory);
  const nothing = machine.addAddressSpace('nothing');
  const { liveBytes } = machine.gauges;
  const masters = Array.from({ length: 100 }, (_, i) => machine.addBusMaster(`nic${i}`, memory));
  for (const master of masters) expect(machine.flatViewOf(master.space)).toBe(machine.flatViewOf(nothing));
  expect(machine.gauges.liveBytes).toBe(liveBytes);
  for (const master of masters) master.setEnabled(true);
  for (const master of masters) expect(machine.flatViewOf(master.space)).toBe(machine.flatViewOf(space));
  await machine.synchronize();
  expect(machine.gauges.liveBytes).toBe(liveBytes);
});

test('the bounce budget of one is its own', () => {
  const nic = machine.addBusMaster('nic', memory);
  const disk = machine.addBusMaster('disk', memory);
  machine.setBounceBytesMax(nic.space, 10_000);
  machine.setBounceBytesMax(disk.space, 0);
  expect(machine.memory(nic.space).map(0, 20_000, true)?.bytes).toHaveLength(10_000);
  expect(machine.memory(disk.space).map(0, 1, true)).toBeNull();
  for (const bytes of [-1, 0.5, 2 ** 31])
    expect(codeOf(() => machine.setBounceBytesMax(nic.space, bytes))).toBe('INVALID_ARGUMENT');
});
