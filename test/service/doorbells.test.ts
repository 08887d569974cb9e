/** ioeventfds at run time: which writes ring instead of calling the device, in which threads, and when. */
import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  controlDevice,
  type DeviceBinding,
  hostedDevice,
  localDevice,
} from '../../src/base/device-binding.ts';
import { MEMTX_DECODE_ERROR, MEMTX_OK } from '../../src/base/mem-tx-result.ts';
import { Doorbell } from '../../src/mailbox/doorbell.ts';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import { transaction } from '../../src/model/transaction.ts';
import { Machine } from '../../src/service/machine.ts';
import type { MachineOptions } from '../../src/service/machine-options.ts';
import type { MemoryPort } from '../../src/vcpu/memory-port.ts';
import type { WriteJob } from './programs/doorbell-programs.ts';

const programs = new URL('./programs/doorbell-programs.ts', import.meta.url);
const devices = new URL('./programs/devices.ts', import.meta.url);
const typescriptThread = new URL('../../workers/typescript-thread.mjs', import.meta.url);
const consumer = new URL('./programs/doorbell-consumer.ts', import.meta.url);
const plainModule = new URL('../vcpu/modules/device.mjs', import.meta.url);
const DEVICE = 0x4000_0000;

let machine: Machine;
let root: MemoryRegion;
let control: MemoryPort;
let calls: [offset: number, value: number, size: number][];

function newMachine(options: MachineOptions = {}): void {
  machine = new Machine({ ramReserveBytes: 2 ** 20, arenaBytes: 2 ** 20, checked: true, ...options });
  root = MemoryRegion.container('root', 2n ** 64n);
  root.addSubregion(0, MemoryRegion.ram('ram', 0x1000));
  control = machine.memory(machine.addAddressSpace('memory', root));
}
beforeEach(() => {
  calls = [];
  newMachine();
});
afterEach(() => machine.close());

const recorder = (options: Parameters<typeof controlDevice>[1] = {}): DeviceBinding =>
  controlDevice({ read: () => 0, write: (...call) => void calls.push(call) }, options);

function device(binding: DeviceBinding, size: bigint | number = 0x100): MemoryRegion {
  const region = MemoryRegion.io('notify', size, binding);
  root.addSubregion(DEVICE, region);
  return region;
}

const start = (job: Partial<WriteJob>) =>
  machine.startVcpu({ program: programs, data: { what: 'write', device: DEVICE, times: 1, ...job } });

describe('a write that matches', () => {
  test('rings and does not call the device; one that does not calls it', () => {
    const notifier = new Doorbell();
    device(recorder()).eventfds.add({ offset: 4, size: 4, match: 7, notifier });
    control.store32(0, DEVICE + 4, 7);
    expect([notifier.take(), control.result, calls]).toEqual([1, MEMTX_OK, []]);
    control.store32(0, DEVICE + 4, 8);
    control.store16(0, DEVICE + 4, 7);
    control.store32(0, DEVICE + 8, 7);
    expect([notifier.take(), calls]).toEqual([
      0,
      [
        [4, 8, 4],
        [4, 7, 2],
        [8, 7, 4],
      ],
    ]);
  });

  test('of any length rings for each length, also in a bulk copy', () => {
    const notifier = new Doorbell();
    device(recorder()).eventfds.add({ offset: 8, size: 0, notifier });
    control.store8(0, DEVICE + 8, 1);
    control.store16(0, DEVICE + 8, 2);
    control.store64(0, DEVICE + 8, 3, 4);
    control.writeBytes(BigInt(DEVICE + 8), Uint8Array.of(1, 2, 3, 4));
    expect([notifier.take(), calls]).toEqual([4, []]);
  });

  test('that the rules of the device do not allow fails as without a doorbell', () => {
    const notifier = new Doorbell();
    const { eventfds } = device(recorder({ access: { valid: { min: 4, max: 4 } } }));
    eventfds.add({ offset: 0, size: 0, notifier });
    control.store8(0, DEVICE, 1);
    expect([notifier.take(), control.result, calls]).toEqual([0, MEMTX_DECODE_ERROR, []]);
    control.store32(0, DEVICE, 1);
    expect([notifier.take(), control.result]).toEqual([1, MEMTX_OK]);
  });

  test('that its accepts callback refuses does not ring', () => {
    const notifier = new Doorbell();
    const accepts = (offset: number): boolean => offset !== 0;
    const { eventfds } = device(controlDevice({ read: () => 0, write: () => {}, accepts }));
    for (const offset of [0, 4]) eventfds.add({ offset, size: 4, notifier });
    control.store32(0, DEVICE, 1);
    expect([notifier.take(), control.result]).toEqual([0, MEMTX_DECODE_ERROR]);
    control.store32(0, DEVICE + 4, 1);
    expect([notifier.take(), control.result]).toEqual([1, MEMTX_OK]);
  });

  test.each(['little', 'big'] as const)(
    'has its value in the order of the guest: %s-endian',
    async (guest) => {
      await machine.close();
      newMachine({ guestEndianness: guest });
      const notifier = new Doorbell();
      // The device's own order plays no part: value and match are both brought into it.
      const { eventfds } = device(recorder({ access: { endianness: 'big' } }));
      eventfds.add({ offset: 0, size: 4, match: 0x1122_3344, notifier });
      eventfds.add({ offset: 8, size: 2, match: 0xaabb, notifier });
      if (guest === 'little') {
        control.store32(0, DEVICE, 0x1122_3344);
        control.store16(0, DEVICE + 8, 0xaabb);
      } else {
        control.store32be(0, DEVICE, 0x1122_3344);
        control.store16be(0, DEVICE + 8, 0xaabb);
      }
      expect(notifier.take()).toBe(2);
      control.store32(0, DEVICE, 0x4433_2211);
      expect(notifier.take()).toBe(guest === 'little' ? 0 : 1);
    },
  );

  test('rings for a worker-local device without its lock', () => {
    const notifier = new Doorbell();
    for (const [i, lock] of (['shared', 'none'] as const).entries()) {
      const binding = localDevice(plainModule, {
        exportName: 'registers',
        lock,
        state: new SharedArrayBuffer(64),
      });
      const region = MemoryRegion.io(lock, 0x100, binding);
      region.eventfds.add({ offset: 0, size: 4, match: 1, notifier });
      root.addSubregion(DEVICE + 0x100 * i, region);
      control.store32(0, DEVICE + 0x100 * i, 1);
      expect([lock, notifier.take(), control.load32(0, DEVICE + 0x100 * i)]).toEqual([lock, 1, 0]);
      control.store32(0, DEVICE + 0x100 * i, 2);
      expect([lock, notifier.take(), control.load32(0, DEVICE + 0x100 * i)]).toEqual([lock, 0, 2]);
    }
  });

  test('calls the device where the notifier is no doorbell', () => {
    device(recorder()).eventfds.add({ offset: 0, size: 4, notifier: { id: 1 } });
    control.store32(0, DEVICE, 1);
    expect(calls).toEqual([[0, 1, 4]]);
  });
});

describe('an ioeventfd', () => {
  test('comes and goes without a new map', () => {
    const notifier = new Doorbell();
    const { eventfds } = device(recorder());
    const { publications } = machine.gauges;
    eventfds.add({ offset: 0, size: 4, notifier });
    control.store32(0, DEVICE, 1);
    eventfds.del({ offset: 0, size: 4, notifier });
    control.store32(0, DEVICE, 2);
    expect([notifier.take(), calls, machine.gauges.publications]).toEqual([1, [[0, 2, 4]], publications]);
  });

  test('of a region that is mapped later, through an alias too, is there from the first write', () => {
    const notifier = new Doorbell();
    const region = MemoryRegion.io('later', 0x100, recorder());
    region.eventfds.add({ offset: 0x10, size: 4, notifier });
    transaction(() => {
      root.addSubregion(DEVICE, region);
      root.addSubregion(DEVICE + 0x1000, MemoryRegion.alias('alias', region, 0x10, 0x10));
    });
    control.store32(0, DEVICE + 0x10, 1);
    control.store32(0, DEVICE + 0x1000, 1);
    expect([notifier.take(), calls]).toEqual([2, []]);
  });

  test('of a transaction that is undone is not there', () => {
    const notifier = new Doorbell();
    const { eventfds } = device(recorder());
    expect(() =>
      transaction(() => {
        eventfds.add({ offset: 0, size: 4, notifier });
        throw new Error('on second thoughts');
      }),
    ).toThrow('on second thoughts');
    control.store32(0, DEVICE, 1);
    expect([notifier.take(), calls.length]).toEqual([0, 1]);
  });

  test('beyond 2^53 is refused, where the region is mapped and when it is', () => {
    const notifier = new Doorbell();
    const region = MemoryRegion.io('huge', 2n ** 60n, recorder());
    region.eventfds.add({ offset: 2n ** 53n - 4n, size: 4, notifier });
    root.addSubregion(2n ** 60n, region);
    const far = { offset: 2n ** 53n, size: 4, notifier };
    expect(() => region.eventfds.add(far)).toThrow(
      /INVALID_ARGUMENT: ioeventfd of region 'huge' at offset 0x2/,
    );
    expect(region.eventfds.items).toHaveLength(1);
    const other = MemoryRegion.io('other', 2n ** 60n, recorder());
    other.eventfds.add(far);
    expect(() => root.addSubregion(2n ** 61n, other)).toThrow(/INVALID_ARGUMENT.*2\^53/);
    expect(other.isMapped).toBe(false);
  });
});

describe('vCPUs', () => {
  const RINGS = 2000;

  test('ring while the control thread awaits: every ring is counted once', async () => {
    const notifier = new Doorbell();
    device(recorder()).eventfds.add({ offset: 0, size: 4, notifier });
    const vcpus = [start({ times: RINGS }), start({ times: RINGS })];
    let count = 0;
    while (count < 2 * RINGS) count += await notifier.next();
    await Promise.all(vcpus.map(({ finished }) => finished));
    expect([count, notifier.take(), calls]).toEqual([2 * RINGS, 0, []]);
  });

  test('ring while a worker blocks on the doorbell; the host of the device is not asked', async () => {
    const notifier = new Doorbell();
    const host = await machine.startDeviceHost();
    const state = new SharedArrayBuffer(16);
    device(hostedDevice(host, devices, { exportName: 'counter', state })).eventfds.add({
      ...{ offset: 0, size: 0, notifier },
    });
    const worker = new Worker(typescriptThread, {
      workerData: {
        entry: consumer.href,
        loader: import.meta.url,
        handle: notifier.handle,
        rings: 2 * RINGS,
      },
      execArgv: [],
    });
    const counted = new Promise((resolve, reject) => worker.on('message', resolve).on('error', reject));
    const vcpus = [start({ times: RINGS }), start({ times: RINGS })];
    expect(await Promise.all(vcpus.map(({ finished }) => finished))).toEqual([MEMTX_OK, MEMTX_OK]);
    expect([await counted, new Int32Array(state)[0]]).toEqual([2 * RINGS, 0]);
  });

  test('that run or sleep have a new ioeventfd when they have passed a checkpoint', async () => {
    const notifier = new Doorbell();
    const region = device(recorder());
    const running = start({ what: 'write at once', word: 0x10 });
    const sleeping = start({ what: 'sleep and write', times: 2 });
    await Promise.all([running.started, sleeping.started]);
    while (sleeping.phase !== 'waiting-for-interrupt') await new Promise((resolve) => setTimeout(resolve, 2));
    region.eventfds.add({ offset: 0, size: 4, notifier });
    await machine.synchronize();
    control.store32(0, 0x10, 1);
    expect([await running.finished, notifier.take(), calls]).toEqual([MEMTX_OK, 1, []]);
    sleeping.kick();
    expect([await sleeping.finished, notifier.take(), calls]).toEqual([MEMTX_OK, 2, []]);
    const late = start({ times: 3 });
    expect([await late.finished, notifier.take(), calls]).toEqual([MEMTX_OK, 3, []]);
  });
});
