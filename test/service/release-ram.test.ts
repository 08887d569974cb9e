/** RAM that is released inside the transaction that unmaps it: its grace period begins with the publication. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { GraceReader } from '../../src/grace/reader.ts';
import type { GraceWriter } from '../../src/grace/writer.ts';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import { transaction } from '../../src/model/transaction.ts';
import { Machine } from '../../src/service/machine.ts';

let machine: Machine;
beforeEach(() => {
  machine = new Machine({ ramReserveBytes: 2 ** 16, arenaBytes: 2 ** 20, checked: true });
});
afterEach(() => machine.close());

test('a reader that passes a checkpoint before the publication keeps the bytes until its next one', async () => {
  const root = MemoryRegion.container('root', 2n ** 64n);
  const ram = MemoryRegion.ram('ram', 4096);
  root.addSubregion(0, ram);
  machine.addAddressSpace('memory', root);
  const reader = new GraceReader(new Int32Array(machine.shared.control), 0);
  const { grace } = machine as unknown as { readonly grace: GraceWriter };
  grace.addReader(reader.slot);
  reader.online();
  let isReleased = false;
  const release = transaction(() => {
    root.delSubregion(ram);
    const released = machine.releaseRam(ram).then(() => {
      isReleased = true;
    });
    reader.quiescent(); // another thread's; the old layout is what it takes
    return { released };
  });
  for (let turn = 0; turn < 10; turn += 1) await nextTurn();
  expect(isReleased).toBe(false);
  reader.quiescent();
  await release.released;
});

test('a region that is mapped again meanwhile has other bytes, and keeps them', async () => {
  const root = MemoryRegion.container('root', 2n ** 64n);
  const ram = MemoryRegion.ram('ram', 4096);
  machine.addAddressSpace('memory', root);
  machine.writeRam(ram, 0, Uint8Array.of(1));
  const released = machine.releaseRam(ram);
  await null; // the release has begun
  root.addSubregion(0, ram);
  machine.writeRam(ram, 0, Uint8Array.of(2));
  await released;
  const other = MemoryRegion.ram('other', 4096);
  machine.writeRam(other, 0, Uint8Array.of(3));
  expect([...machine.readRam(ram, 0, 1)]).toEqual([2]);
});
