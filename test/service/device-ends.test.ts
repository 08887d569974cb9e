/**
 * The end of an owner whose device is removed under access. Who waits for a device, or for the lock of one, holds up no
 * grace period, and is inside of the device all the same.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { hostedDevice, localDevice } from '../../src/base/device-binding.ts';
import { MEMTX_OK } from '../../src/base/mem-tx-result.ts';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import { Owner } from '../../src/model/owner.ts';
import { Machine } from '../../src/service/machine.ts';
import type { VcpuHandle } from '../../src/service/vcpu-handle.ts';
import { ARRIVED, LET_THROUGH } from '../../stress/devices/gate.ts';
import type { Job } from './programs/basics.ts';

const program = new URL('./programs/basics.ts', import.meta.url);
const gateModule = new URL('../../stress/devices/gate.ts', import.meta.url);
const DEVICE = 0x1_0000;
/** More than enough for an owner that nothing holds. */
const GRACE_PERIODS = 20;

let machine: Machine;
let root: MemoryRegion;
let gate: Int32Array<SharedArrayBuffer>;
beforeEach(() => {
  machine = new Machine({ ramReserveBytes: 2 ** 20, arenaBytes: 2 ** 20, checked: true });
  root = MemoryRegion.container('root', 2n ** 64n);
  root.addSubregion(0, MemoryRegion.ram('ram', 0x1000));
  machine.addAddressSpace('memory', root);
  gate = new Int32Array(new SharedArrayBuffer(16));
});
afterEach(async () => {
  open();
  await machine.close();
});

function open(): void {
  Atomics.store(gate, LET_THROUGH, 0x7fffffff);
  Atomics.notify(gate, LET_THROUGH);
}

const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1));
};

/** A vCPU that reads the device once. */
const reader = (): VcpuHandle => {
  const job: Job = { what: 'accesses', list: [{ address: DEVICE, size: 4 }] };
  return machine.startVcpu({ program, data: job });
};

/** A vCPU that waits in the gate, which is homed in a worker. */
async function waitingInWorker() {
  const owner = new Owner('/machine/card');
  const host = await machine.startDeviceHost();
  const binding = hostedDevice(host, gateModule, { state: gate.buffer });
  const region = MemoryRegion.io('gate', 0x1000, binding, { owner });
  root.addSubregion(DEVICE, region);
  const vcpu = reader();
  await until(() => Atomics.load(gate, ARRIVED) === 1);
  return { owner, region, vcpu };
}

/** Removes `region` and destroys its owner. Returns whether that has been finalised. */
async function remove(owner: Owner, region: MemoryRegion): Promise<() => boolean> {
  root.delSubregion(region);
  void owner.destroy();
  let isFinalized = false;
  void owner.finalized.then(() => {
    isFinalized = true;
  });
  for (let period = 0; period < GRACE_PERIODS; period += 1) await machine.synchronize();
  return () => isFinalized;
}

describe('an owner is finalised after', () => {
  test('the access of a vCPU that waits for its device in a worker', async () => {
    const { owner, region, vcpu } = await waitingInWorker();
    const isFinalized = await remove(owner, region);
    expect(isFinalized()).toBe(false);
    open();
    expect(await vcpu.finished).toEqual([[1, MEMTX_OK]]);
    await owner.finalized;
  });

  test('the access of a vCPU that was killed, and that its device is still at', async () => {
    const { owner, region, vcpu } = await waitingInWorker();
    await Promise.all([vcpu.terminate(), expect(vcpu.finished).rejects.toThrow('VCPU_FAILED')]);
    const isFinalized = await remove(owner, region);
    expect(isFinalized()).toBe(false);
    open();
    await owner.finalized;
  });

  test("the access of a vCPU that waits for its device's lock", async () => {
    const owner = new Owner('/machine/card');
    const binding = localDevice(gateModule, { state: gate.buffer, lock: 'own' });
    const region = MemoryRegion.io('gate', 0x1000, binding, { owner });
    root.addSubregion(DEVICE, region);
    const inside = reader();
    await until(() => Atomics.load(gate, ARRIVED) === 1);
    const waiting = reader();
    await until(() => waiting.phase === 'waiting-for-device');
    root.delSubregion(region);
    void owner.destroy();
    let isFinalized = false;
    void owner.finalized.then(() => {
      isFinalized = true;
    });
    Atomics.store(gate, LET_THROUGH, 1); // the first leaves, the second is inside now, on a layout without the device
    Atomics.notify(gate, LET_THROUGH);
    expect(await inside.finished).toEqual([[1, MEMTX_OK]]);
    await until(() => Atomics.load(gate, ARRIVED) === 2);
    for (let period = 0; period < GRACE_PERIODS; period += 1)
      await Promise.race([machine.synchronize(), new Promise((resolve) => setTimeout(resolve, 5))]);
    expect(isFinalized).toBe(false);
    open();
    expect(await waiting.finished).toEqual([[2, MEMTX_OK]]);
    await owner.finalized;
  });
});
