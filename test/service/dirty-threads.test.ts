/**
 * Dirty logging on real threads. vCPUs store all over RAM while the control thread takes snapshots and copies what
 * they name, and only that. In the end the copy is what RAM holds, to the byte: no store was lost.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import {
  DIRTY_CLIENT_MIGRATION,
  DIRTY_CLIENT_VGA,
  DIRTY_TRACKING_MIGRATION,
} from '../../src/base/dirty-log.ts';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import { Machine } from '../../src/service/machine.ts';
import type { WriterJob } from './programs/dirty-writer.ts';

const MIB = 2 ** 20;
const program = new URL('./programs/dirty-writer.ts', import.meta.url);

let machine: Machine;
afterEach(() => machine.close());

/** Two regions side by side: one in buffer 0, one in a buffer of its own. */
function startMachine(): MemoryRegion[] {
  machine = new Machine({ vcpuHost: 'threads', ramReserveBytes: 2 * MIB, checked: true });
  const root = MemoryRegion.container('root', 2n ** 64n);
  const regions = [MemoryRegion.ram('reserved', 2 * MIB), MemoryRegion.ram('apart', MIB)];
  root.addSubregion(0, regions[0]!);
  root.addSubregion(2 * MIB, regions[1]!);
  machine.addAddressSpace('memory', root);
  return regions;
}

async function startWriters(count: number): Promise<() => Promise<unknown[]>> {
  const begun = new SharedArrayBuffer(4);
  const vcpus = Array.from({ length: count }, (_, seed) =>
    machine.startVcpu({ program, data: { seed, ramBytes: 3 * MIB, begun } satisfies WriterJob }),
  );
  await Promise.all(vcpus.map(({ started }) => started));
  while (Atomics.load(new Int32Array(begun), 0) < count) await nextTurn();
  return async () => {
    await machine.stop();
    return Promise.all(vcpus.map(({ finished }) => finished));
  };
}

/** What one client copies of a region. */
class Shadow {
  readonly region: MemoryRegion;
  readonly client: number;
  readonly bytes: Uint8Array;
  copied = 0;

  constructor(region: MemoryRegion, client: number) {
    this.region = region;
    this.client = client;
    this.bytes = new Uint8Array(Number(region.size));
  }

  async copyDirty(): Promise<void> {
    const { region, bytes, client } = this;
    const dirty = await machine.dirtyLog.snapshotAndClear(region, 0, bytes.length, client);
    for (const { offset, size } of dirty) {
      bytes.set(machine.readRam(region, offset, size), offset);
      this.copied += size;
    }
  }

  differences(): number {
    const now = machine.readRam(this.region, 0, this.bytes.length);
    return this.bytes.reduce((sum, byte, index) => sum + (byte === now[index] ? 0 : 1), 0);
  }
}

const ROUNDS = 60;

test('two clients copy what snapshots name, while vCPUs store: no byte differs in the end', async () => {
  const regions = startMachine();
  for (const region of regions) region.dirtyLog.setLog(true, DIRTY_CLIENT_VGA);
  const stop = await startWriters(3);
  machine.dirtyTracking.start(DIRTY_TRACKING_MIGRATION); // begins in the middle of stores that did not mark for it
  const shadows = regions.flatMap((region) =>
    [DIRTY_CLIENT_VGA, DIRTY_CLIENT_MIGRATION].map((client) => new Shadow(region, client)),
  );
  const control = machine.memory(machine.addressSpaces[0]!);
  for (let round = 0; round < ROUNDS; round += 1) {
    control.store32(0, 4 * round, round);
    machine.writeRam(regions[1]!, 5000 * round, Uint8Array.of(round));
    await Promise.all(shadows.map((shadow) => shadow.copyDirty())); // clears overlap
    if (round === ROUNDS / 2) regions[0]!.dirtyLog.setLogsCode(true); // another view, in full use
  }
  const stores = await stop();
  for (const shadow of shadows) {
    await shadow.copyDirty();
    expect(shadow.differences(), `${shadow.region.name}, client ${shadow.client}`).toBe(0);
    expect(shadow.copied).toBeGreaterThan(2 * shadow.bytes.length); // it was worth a test
  }
  expect(Math.min(...(stores as number[]))).toBeGreaterThan(1000);
}, 60_000);

test('a migration that copies in passes moves RAM whole', async () => {
  const regions = startMachine();
  const stop = await startWriters(2);
  machine.dirtyTracking.start(DIRTY_TRACKING_MIGRATION);
  const region = regions[0]!;
  const target = new Uint8Array(2 * MIB);
  const bitmap = new Uint8Array((2 * MIB) / 4096 / 8);
  const pass = async (): Promise<number> => {
    const fresh = await machine.dirtyLog.testAndClear(region, 0, 2 * MIB, DIRTY_CLIENT_MIGRATION, bitmap);
    for (let page = 0; page < 8 * bitmap.length; page += 1) {
      const bit = 1 << (page & 7);
      if ((bitmap[page >> 3]! & bit) === 0) continue;
      if (page % 3 === 0 && fresh > 0) continue; // left for a later pass: the bitmap keeps it
      bitmap[page >> 3]! &= ~bit;
      target.set(machine.readRam(region, page * 4096, 4096), page * 4096);
    }
    return fresh;
  };
  expect(await pass(), 'all of it, at first').toBe(512);
  for (let round = 0; round < 20; round += 1) await pass();
  await stop();
  while ((await pass()) > 0);
  expect(Buffer.compare(target, machine.readRam(region, 0, 2 * MIB))).toBe(0);
}, 60_000);
