/** Who awaits a grace period when the machine closes, or asks for one afterwards, is not left waiting. */
import { expect, test } from 'vitest';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import { Machine } from '../../src/service/machine.ts';

const newMachine = (): Machine => new Machine({ ramReserveBytes: 2 ** 16, arenaBytes: 2 ** 20 });

test('a grace period that is awaited when the machine closes ends', async () => {
  const machine = newMachine();
  const ram = MemoryRegion.ram('ram', 4096);
  machine.writeRam(ram, 0, Uint8Array.of(1));
  const awaited = [machine.synchronize(), machine.releaseRam(ram)];
  await machine.close();
  await expect(Promise.all(awaited)).resolves.toEqual([undefined, undefined]);
});

test('a grace period of a closed machine ends at once', async () => {
  const machine = newMachine();
  await machine.close();
  await expect(machine.synchronize()).resolves.toBe(undefined);
});
