/** Who else accesses memory: the control thread, devices of every placement. And who must not wait for whom. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  controlDevice,
  type DeviceBinding,
  type DeviceLocking,
  hostedDevice,
  localDevice,
} from '../../src/base/device-binding.ts';
import {
  MEMTX_ACCESS_ERROR,
  MEMTX_DECODE_ERROR,
  MEMTX_ERROR,
  MEMTX_OK,
} from '../../src/base/mem-tx-result.ts';
import { WORD_DEVICE_LOCK } from '../../src/layout/control-block.ts';
import type { AddressSpace } from '../../src/model/address-space.ts';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import { Machine } from '../../src/service/machine.ts';
import type { DeviceReport } from '../../src/vcpu/failure-reports.ts';
import type { MemoryPort } from '../../src/vcpu/memory-port.ts';
import type { Access } from './programs/basics.ts';

const basics = new URL('./programs/basics.ts', import.meta.url);
const masters = new URL('./programs/bus-masters.ts', import.meta.url);
const devices = new URL('./programs/devices.ts', import.meta.url);
/** One that Node loads without help: this thread is the test runner's. */
const plainModule = new URL('../vcpu/modules/device.mjs', import.meta.url);
const DEVICE = 0x4000_0000;
const OTHER = 0x4000_1000;

let machine: Machine;
let root: MemoryRegion;
let ram: MemoryRegion;
let space: AddressSpace;
let control: MemoryPort;
let reports: DeviceReport[];

beforeEach(() => {
  reports = [];
  machine = new Machine({
    ...{ ramReserveBytes: 2 ** 20, arenaBytes: 2 ** 20, checked: true, patienceMs: 1000 },
    onDeviceReport: (report) => reports.push(report),
  });
  root = MemoryRegion.container('root', 2n ** 64n);
  ram = MemoryRegion.ram('ram', 0x1_0000);
  root.addSubregion(0, ram);
  space = machine.addAddressSpace('memory', root);
  control = machine.memory(space);
});
afterEach(() => machine.close());

function addDevice(address: number, binding: DeviceBinding, owner: string | null = null): MemoryRegion {
  const region = MemoryRegion.io(`device at ${address.toString(16)}`, 0x100, binding, { owner });
  root.addSubregion(address, region);
  return region;
}

const perform = (...list: Access[]): Promise<unknown> =>
  machine.startVcpu({ program: basics, data: { what: 'accesses', list } }).finished;
const read = (address: number): Access => ({ address, size: 4 });
const write = (address: number, value: number): Access => ({ address, size: 4, value });
const problems = (): string[] => reports.map(({ problem }) => problem);

const LOCKINGS: Readonly<Record<string, DeviceLocking>> = {
  local: 'shared',
  'local under its own lock': 'own',
  'local without lock': 'none',
};

/** A device of module bus-masters.ts in each placement. */
async function masterOf(placement: string, exportName: string): Promise<DeviceBinding> {
  const options = { exportName, data: 'memory' };
  if (placement === 'hosted') return hostedDevice(await machine.startDeviceHost(), masters, options);
  return localDevice(masters, { ...options, lock: LOCKINGS[placement]! });
}

describe('the control thread', () => {
  test('reads and writes RAM by the newest layout, without a vCPU', () => {
    control.writeBig(0x1000, 0x1122_3344_5566_7788n);
    expect(control.load32(0, 0x1004)).toBe(0x1122_3344);
    ram.setAddress(0x10_0000);
    expect([control.load32(0, 0x1004), control.result]).toEqual([0, MEMTX_DECODE_ERROR]);
    expect(control.readBig(0x10_1000)).toBe(0x1122_3344_5566_7788n);
    expect(machine.readRam(ram, 0x1000, 1)[0]).toBe(0x88);
  });

  test('calls its own devices, which may change the layout and access memory in the middle of it', () => {
    const device = controlDevice({
      read: (offset) => control.load32(0, offset),
      write(_offset, value) {
        ram.setAddress(value);
        control.store32(0, value, 0x77);
      },
    });
    addDevice(DEVICE, device);
    control.store32(0, 4, 0x55);
    expect(control.load32(0, DEVICE + 4)).toBe(0x55);
    control.store32(0, DEVICE, 0x20_0000);
    expect([control.result, control.load32(0, 0x20_0000)]).toEqual([MEMTX_OK, 0x77]);
  });

  test('loads worker-local devices for itself and takes their lock', () => {
    const state = new SharedArrayBuffer(64);
    addDevice(DEVICE, localDevice(plainModule, { exportName: 'registers', state }));
    control.store32(0, DEVICE, 2);
    expect([control.load32(0, DEVICE), control.result]).toEqual([2, MEMTX_OK]);
    const words = new Int32Array(machine.shared.control);
    expect(words[WORD_DEVICE_LOCK]).toBe(0);
    words[WORD_DEVICE_LOCK] = 3; // a vCPU that was stopped while it holds the lock
    control.store32(0, DEVICE, 1);
    expect(control.result).toBe(MEMTX_ERROR);
    words[WORD_DEVICE_LOCK] = 0;
    expect(control.load32(0, DEVICE)).toBe(2);
    expect(problems()).toEqual(['a vCPU holds the device lock and does not release it']);
  });

  test('waits for a device worker, and answers what that asks meanwhile', async () => {
    const host = await machine.startDeviceHost();
    const onAsk = (message: unknown): unknown => (message as number) + 1;
    addDevice(DEVICE, hostedDevice(host, devices, { exportName: 'asking', onAsk }));
    control.store32(0, DEVICE, 41);
    expect([control.result, control.load32(0, DEVICE)]).toEqual([MEMTX_OK, 42]);
  });

  test('gives up on a device worker that does not answer, and can ask again once it has', async () => {
    const host = await machine.startDeviceHost();
    const state = new SharedArrayBuffer(64);
    addDevice(DEVICE, hostedDevice(host, devices, { exportName: 'slow', state }));
    control.load32(0, DEVICE);
    expect(control.result).toBe(MEMTX_ERROR);
    control.load32(0, DEVICE);
    expect(control.result).toBe(MEMTX_ERROR); // the mailbox is not free yet
    const words = new Int32Array(state);
    Atomics.store(words, 1, 1);
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      const value = control.load32(0, DEVICE);
      if (control.result === MEMTX_OK) {
        expect(value).toBe(0x51);
        break;
      }
    }
  });

  test('waits for one device worker at a time: what it is asked meanwhile reaches no other', async () => {
    const [busy, asker, third] = [
      await machine.startDeviceHost(),
      await machine.startDeviceHost(),
      await machine.startDeviceHost(),
    ];
    const [state, gate] = [new SharedArrayBuffer(64), new SharedArrayBuffer(64)];
    const isReached = async (buffer: SharedArrayBuffer): Promise<void> => {
      while (Atomics.load(new Int32Array(buffer), 0) === 0) await new Promise(setImmediate);
    };
    const open = (buffer: SharedArrayBuffer): unknown => Atomics.store(new Int32Array(buffer), 1, 1);
    let inside: unknown;
    const onAsk = (): number => {
      inside = [control.load32(0, DEVICE + 0x3000), control.result];
      open(state);
      return 0;
    };
    addDevice(DEVICE, hostedDevice(busy, devices, { exportName: 'slow', state }));
    addDevice(OTHER, hostedDevice(asker, devices, { exportName: 'asking', onAsk }));
    addDevice(DEVICE + 0x2000, localDevice(devices, { exportName: 'slow', state: gate }));
    addDevice(DEVICE + 0x3000, hostedDevice(third, devices));
    const programs = [perform(read(DEVICE)), perform(read(DEVICE + 0x2000), write(OTHER, 1))];
    await isReached(state); // so its worker will not see the control thread's request before it is opened
    await isReached(gate);
    open(gate);
    expect([control.load32(0, DEVICE), control.result]).toEqual([0x51, MEMTX_OK]);
    expect(inside).toEqual([0, MEMTX_ACCESS_ERROR]);
    expect(problems()).toEqual([
      'a handler that is called while this thread waits for a host may not wait for the thread where it is homed',
    ]);
    await Promise.all(programs);
  });

  test('finds nothing behind a device worker that has ended', async () => {
    const host = await machine.startDeviceHost();
    addDevice(DEVICE, hostedDevice(host, devices));
    await machine.closeDeviceHost(host);
    expect([control.load32(0, DEVICE), control.result]).toEqual([0, MEMTX_ERROR]);
  });
});

describe('a device as bus master', () => {
  test.each(['local', 'local without lock', 'hosted'])('copies in RAM; %s', async (placement) => {
    addDevice(DEVICE, await masterOf(placement, 'copier'));
    control.writeBytes(0x200, Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8));
    expect(await perform(write(DEVICE, 0x200), read(DEVICE))).toEqual([MEMTX_OK, [MEMTX_OK, MEMTX_OK]]);
    expect(control.readBig(0x300)).toBe(0x0807_0605_0403_0201n);
  });

  test('in a device worker holds up no grace period once its turn is over', async () => {
    addDevice(DEVICE, await masterOf('hosted', 'copier'));
    await perform(write(DEVICE, 0x200));
    for (let move = 0; move < 20; move += 1) {
      ram.setAddress(move % 2 === 0 ? 0x10_0000 : 0);
      await machine.synchronize();
    }
    expect(machine.gauges.retiredBytes).toBe(0);
  });

  test('in a device worker reaches nothing by what it kept from an earlier turn', async () => {
    addDevice(DEVICE, await masterOf('hosted', 'hoarder'));
    control.write(0x40, 4, 0x1234);
    await perform(write(DEVICE, 0));
    await machine.synchronize(); // its turn is over: it is offline
    expect(await perform(read(DEVICE), read(DEVICE + 4))).toEqual([
      [0, MEMTX_OK],
      [MEMTX_DECODE_ERROR, MEMTX_OK],
    ]);
  });

  test('sees the layout that it had changed by asking the control thread', async () => {
    const host = await machine.startDeviceHost();
    const onAsk = (): void => ram.setAddress(0x1000);
    addDevice(DEVICE, hostedDevice(host, masters, { exportName: 'mover', data: 'memory', onAsk }));
    control.write(0x1000, 4, 0x11);
    control.write(0, 4, 0x22);
    expect(await perform(write(DEVICE, 0x1000), read(DEVICE))).toEqual([MEMTX_OK, [0x11_0022, MEMTX_OK]]);
  });

  test('carries attributes of its own', async () => {
    const binding = await masterOf('hosted', 'requester');
    if (binding.placement !== 'hosted') throw new Error('this device is hosted');
    addDevice(DEVICE, binding);
    addDevice(OTHER, hostedDevice(binding.host, masters, { exportName: 'requester' }));
    expect(await perform(write(DEVICE, OTHER), read(DEVICE + 4))).toEqual([MEMTX_OK, [0x42, MEMTX_OK]]);
  });

  test('is told by name of an address space that is not there', async () => {
    addDevice(DEVICE, localDevice(masters, { exportName: 'copier', data: 'nowhere' }));
    expect(await perform(write(DEVICE, 0x200))).toEqual([MEMTX_ERROR]);
    expect(problems()[0]).toContain("ADDRESS_SPACE_UNKNOWN: the machine has no address space 'nowhere'");
  });
});

describe('nobody waits in a circle', () => {
  const homed = () => controlDevice({ read: () => 0x99, write: () => {} });

  test.each<[string, number, number]>([
    ['local without lock', 0x99, MEMTX_OK],
    ['local', 0, MEMTX_ACCESS_ERROR],
    ['local under its own lock', 0, MEMTX_ACCESS_ERROR],
    ['hosted', 0, MEMTX_ACCESS_ERROR],
  ])(
    'a device that is %s reads one of another thread as %d with result %d',
    async (placement, value, result) => {
      addDevice(DEVICE, await masterOf(placement, 'peeker'));
      addDevice(OTHER, homed());
      expect(await perform(write(DEVICE, OTHER), read(DEVICE), read(DEVICE + 4))).toEqual([
        MEMTX_OK,
        [value, MEMTX_OK],
        [result, MEMTX_OK],
      ]);
      if (result === MEMTX_OK) expect(reports).toEqual([]);
      else
        expect(problems()).toEqual([expect.stringMatching(/may not wait for the thread where it is homed/)]);
    },
  );

  test.each<[DeviceLocking, DeviceLocking, number]>([
    ['shared', 'own', MEMTX_OK],
    ['own', 'none', MEMTX_OK],
    ['own', 'shared', MEMTX_ACCESS_ERROR],
    ['own', 'own', MEMTX_ACCESS_ERROR],
  ])('a device under lock %s reads one under lock %s with result %d', async (lock, otherLock, result) => {
    addDevice(DEVICE, localDevice(masters, { exportName: 'peeker', data: 'memory', lock }));
    const state = new SharedArrayBuffer(64);
    addDevice(OTHER, localDevice(devices, { exportName: 'counter', state, lock: otherLock }));
    expect(await perform(write(DEVICE, OTHER), read(DEVICE + 4), read(OTHER))).toEqual([
      MEMTX_OK,
      [result, MEMTX_OK],
      [0, MEMTX_OK],
    ]);
    expect(problems()).toEqual(
      result === MEMTX_OK ? [] : ['a device that holds a lock of its own may not wait for another lock'],
    );
  });

  test('a device reaches another in its own device worker, but not one of its own owner', async () => {
    const binding = await masterOf('hosted', 'peeker');
    if (binding.placement !== 'hosted') throw new Error('this device is hosted');
    addDevice(DEVICE, binding, 'card');
    const neighbour = (): DeviceBinding =>
      hostedDevice(binding.host, devices, { exportName: 'counter', state: new SharedArrayBuffer(64) });
    addDevice(OTHER, neighbour(), 'other card');
    addDevice(OTHER + 0x1000, neighbour(), 'card');
    const peek = (address: number): Access[] => [write(DEVICE, address), read(DEVICE + 4)];
    expect(await perform(...peek(OTHER), ...peek(OTHER + 0x1000))).toEqual([
      MEMTX_OK,
      [MEMTX_OK, MEMTX_OK],
      MEMTX_OK,
      [MEMTX_ACCESS_ERROR, MEMTX_OK],
    ]);
    expect(problems()).toEqual(['it was accessed from inside an access to its own owner']);
  });
});
