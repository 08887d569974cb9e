/** Devices that lead back to themselves: whatever comes of the access, their locks are given back. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type DeviceLocking, localDevice } from '../../src/base/device-binding.ts';
import { MEMTX_OK } from '../../src/base/mem-tx-result.ts';
import { WORD_DEVICE_LOCK } from '../../src/layout/control-block.ts';
import { LOCK_FREE, WORD_OWN_LOCK } from '../../src/layout/device-lock.ts';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import { Machine } from '../../src/service/machine.ts';
import type { DeviceReport } from '../../src/vcpu/failure-reports.ts';
import type { MemoryPort } from '../../src/vcpu/memory-port.ts';

const endless = new URL('../vcpu/modules/endless.mjs', import.meta.url);
const DEVICE = 0x1000;
const OTHER = 0x2000;
/** Where in the stack its end is met differs from try to try. */
const TRIES = 300;

let machine: Machine;
let root: MemoryRegion;
let port: MemoryPort;
let reports: DeviceReport[];
beforeEach(() => {
  reports = [];
  machine = new Machine({
    ...{ ramReserveBytes: 2 ** 20, arenaBytes: 2 ** 20, checked: true, patienceMs: 100 },
    onDeviceReport: (report) => reports.push(report),
  });
  root = MemoryRegion.container('root', 2n ** 64n);
  port = machine.memory(machine.addAddressSpace('memory', root));
});
afterEach(() => machine.close());

const map = (
  address: number,
  options: { lock: DeviceLocking; leadsTo: number; exportName?: string; owner?: string | null },
): void => {
  const { lock, leadsTo: data, exportName = 'default', owner = null } = options;
  const device = localDevice(endless, { lock, data, exportName });
  root.addSubregion(address, MemoryRegion.io(`device at ${address}`, 16, device, { owner }));
};

interface MachineInside {
  readonly hosts: { readonly parts: { readonly locks: { readonly own: readonly Int32Array[] } } };
}

function expectFree(address: number): void {
  const { own } = (machine as unknown as MachineInside).hosts.parts.locks;
  expect(Atomics.load(new Int32Array(machine.shared.control), WORD_DEVICE_LOCK)).toBe(LOCK_FREE);
  for (const words of own) expect(Atomics.load(words, WORD_OWN_LOCK)).toBe(LOCK_FREE);
  expect([port.read(address, 4), port.result]).toEqual([5, MEMTX_OK]);
}

test.each(['shared', 'own'] as const)(
  'one that writes to itself without end is denied, under a lock: %s',
  (lock) => {
    map(DEVICE, { lock, leadsTo: DEVICE });
    port.write(DEVICE, 4, 1);
    expect(reports.map(({ problem }) => problem)).toEqual([
      'too many calls of devices are inside each other; one leads back to itself',
    ]);
    expectFree(DEVICE);
  },
);

test.each([
  ['shared', null],
  ['own', null],
  ['shared', 'card'],
] as const)(
  'one that is called where the stack ends gives back its lock, %s, and its guard: %s',
  (lock, owner) => {
    map(DEVICE, { lock: 'none', leadsTo: OTHER, exportName: 'deep' });
    map(OTHER, { lock, leadsTo: 0x3000, owner });
    expectFree(OTHER); // its module is loaded now, and not where the stack ends
    for (let attempt = 0; attempt < TRIES; attempt += 1) {
      port.write(DEVICE, 4, 1);
      expectFree(OTHER);
    }
  },
);
