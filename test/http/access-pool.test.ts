/** Which vCPU serves whom, when one of them dies. */
import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type AccessBatch, putAccess } from '../../src/http/access-channel.ts';
import { AccessPool, RESTART_MS } from '../../src/http/access-pool.ts';
import { ACCESS_SIZE_SHIFT, createRing, OPERATION_LOAD } from '../../src/http/access-ring.ts';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import { Machine } from '../../src/service/machine.ts';

let machine: Machine;
let pool: AccessPool;
let space: number;

beforeEach(async () => {
  machine = new Machine({ vcpuSlots: 2 });
  space = machine.indexOf(machine.addAddressSpace('memory', MemoryRegion.ram('ram', 0x1000)));
  pool = new AccessPool(machine, 2, () => {});
  await pool.started();
});

afterEach(async () => {
  pool.close();
  await machine.close();
});

/** Submits a load for `client`; @returns resolves to whether it was answered */
const load = (client: object, told: () => void = () => {}): Promise<boolean> =>
  new Promise((resolve) => {
    const batch: AccessBatch = {
      ...{ space, count: 1 },
      put: (words, word) => putAccess(words, word, OPERATION_LOAD | (4 << ACCESS_SIZE_SHIFT), 0, 0, 0, 0),
      answered: (answers) => {
        told();
        resolve(answers !== null);
      },
    };
    pool.submit(client, batch);
  });

test('a connection whose vCPU died stays with the one that took it over, in its order, when the next is up', async () => {
  const client = {};
  await load(client);
  await load({}); // takes the second, so the next connection gets the first again
  const [first, second] = pool.vcpus;
  await first!.terminate();
  expect(await load(client)).toBe(true);
  while (pool.vcpus[0] === first) await pause(10);
  await pool.started();
  await second!.pause();
  const order: string[] = [];
  const answers = [load(client, () => order.push('one')), load(client, () => order.push('two'))];
  expect(await load({}), 'another connection is served by the new vCPU').toBe(true);
  expect(order, 'both wait for the vCPU that is paused').toEqual([]);
  second!.resume();
  expect(await Promise.all(answers)).toEqual([true, true]);
  expect(order).toEqual(['one', 'two']);
});

test('a connection gets no vCPU that is still coming up while another serves', async () => {
  const [first, second] = pool.vcpus;
  await first!.terminate();
  while (pool.vcpus[0] === first) await nextTurn();
  expect(pool.vcpus[0]!.phase).toBe('starting');
  const order: string[] = [];
  await second!.pause();
  const early = load({}, () => order.push('early'));
  await pool.started();
  const seconds = load({}); // its turn is the second's
  expect(await load({}), 'by the one that has come up').toBe(true);
  expect(order, 'the second has it, and is paused').toEqual([]);
  second!.resume();
  expect(await Promise.all([early, seconds])).toEqual([true, true]);
});

test('a vCPU that died and whose slot was taken comes back when a slot is free', async () => {
  const [first] = pool.vcpus;
  await first!.terminate();
  const program = new URL('../../src/http/access-program.ts', import.meta.url);
  const other = machine.startVcpu({ program, data: { ring: createRing() } });
  await pause(2 * RESTART_MS);
  expect(pool.vcpus[0], 'no slot, no vCPU').toBe(first);
  await other.stop();
  while (pool.vcpus[0] === first) await pause(10);
  await pool.started();
  expect(await Promise.all([load({}), load({})])).toEqual([true, true]);
});
