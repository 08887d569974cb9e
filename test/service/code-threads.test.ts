/** Self-modifying code on real threads: one vCPU translates a page that another vCPU and the control thread write. */
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import { Machine } from '../../src/service/machine.ts';
import { CODE, type Role, SAID, type Translations } from './programs/translator.ts';

let machine: Machine;
afterEach(() => machine.close());

test('what is said to be intact is never older than what was written before the question', async () => {
  machine = new Machine({ vcpuHost: 'threads', ramReserveBytes: 2 ** 20, checked: true });
  const ram = MemoryRegion.ram('ram', 0x10000);
  ram.dirtyLog.setLogsCode(true);
  const control = machine.memory(machine.addAddressSpace('memory', ram));
  const program = new URL('./programs/translator.ts', import.meta.url);
  const start = (role: Role) => machine.startVcpu({ program, data: role });
  const translator = start('translator');
  const writer = start('writer');
  await Promise.all([translator.started, writer.started]);
  const word = new Uint8Array(4);
  for (let count = 1; count <= 200; count += 1) {
    new DataView(word.buffer).setInt32(0, count, true);
    control.writeBytes(CODE + 4, word); // as a device does that masters the bus
    control.atomicSwap32(0, SAID + 4, count);
    await pause(5);
  }
  await machine.stop();
  const seen = (await translator.finished) as Translations;
  expect(seen.stale).toBe(0);
  expect(seen.kept).toBeGreaterThan(0);
  expect(seen.intact).toBeGreaterThan(seen.kept);
  expect(await writer.finished).toBeGreaterThan(100);
}, 60_000);
