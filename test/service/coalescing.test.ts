/** Coalesced MMIO: writes that wait in a ring, and everything that must not go past them. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  controlDevice,
  type DeviceBinding,
  hostedDevice,
  localDevice,
} from '../../src/base/device-binding.ts';
import { MEMTX_DECODE_ERROR, MEMTX_ERROR, MEMTX_OK } from '../../src/base/mem-tx-result.ts';
import {
  RING_ENTRY_COUNT_MAX,
  RING_LOCK,
  RING_OPEN,
  RING_SERVED,
  RING_TAIL,
} from '../../src/layout/coalesced-ring.ts';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import type { Coalescing } from '../../src/service/coalescing.ts';
import { Machine } from '../../src/service/machine.ts';
import type { DeviceReport } from '../../src/vcpu/failure-reports.ts';
import type { MemoryPort } from '../../src/vcpu/memory-port.ts';
import type { Access } from './programs/basics.ts';
import { LOG_VALUES } from './programs/coalesced-devices.ts';
import { stamped, type WriteJob } from './programs/doorbell-programs.ts';

const basics = new URL('./programs/basics.ts', import.meta.url);
const programs = new URL('./programs/doorbell-programs.ts', import.meta.url);
const devices = new URL('./programs/coalesced-devices.ts', import.meta.url);
const plainModule = new URL('../vcpu/modules/device.mjs', import.meta.url);
const DEVICE = 0x4000_0000;
const NEIGHBOUR = 0x4000_1000;
/** A RAM word by which threads tell each other something. */
const WORD = 0x10;

let machine: Machine;
let root: MemoryRegion;
let control: MemoryPort;
let reports: DeviceReport[];
let seen: number[];

beforeEach(() => {
  reports = [];
  seen = [];
  machine = new Machine({
    ...{ ramReserveBytes: 2 ** 20, arenaBytes: 2 ** 20, checked: true },
    onDeviceReport: (report) => reports.push(report),
  });
  root = MemoryRegion.container('root', 2n ** 64n);
  root.addSubregion(0, MemoryRegion.ram('ram', 0x1000));
  control = machine.memory(machine.addAddressSpace('memory', root));
});
afterEach(() => machine.close());

/** In the control thread. A read gives how many writes there were. */
const recorder = (): DeviceBinding =>
  controlDevice({ read: () => seen.length, write: (_offset, value) => void seen.push(value) });

const newLog = (): Int32Array<SharedArrayBuffer> => new Int32Array(new SharedArrayBuffer(4 * 4096));
const logged = (words: Int32Array): number[] => [...words.subarray(LOG_VALUES, LOG_VALUES + words[0]!)];

function device(binding: DeviceBinding, address = DEVICE, owner: string | null = null): MemoryRegion {
  const region = MemoryRegion.io(`device at ${address.toString(16)}`, 0x100, binding, { owner });
  root.addSubregion(address, region);
  return region;
}

const ringOf = (region: MemoryRegion): Int32Array => {
  const { coalescing } = machine as unknown as { coalescing: Coalescing };
  return new Int32Array(coalescing.ringOf(region)!);
};
const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1));
};
/** Resolves when writes to the region's ranges are queued. */
async function coalesced(region: MemoryRegion, offset = 0, size = 0x80): Promise<MemoryRegion> {
  region.coalescing.add(offset, size);
  const ring = ringOf(region);
  await until(() => Atomics.load(ring, RING_OPEN) === 1 && Atomics.load(ring, RING_SERVED) === 1);
  return region;
}

const start = (job: Partial<WriteJob>) =>
  machine.startVcpu({ program: programs, data: { what: 'write', device: DEVICE, times: 1, ...job } });
const perform = (...list: Access[]): Promise<unknown> =>
  machine.startVcpu({ program: basics, data: { what: 'accesses', list } }).finished;
const write = (address: number, value: number): Access => ({ address, size: 4, value });
const read = (address: number): Access => ({ address, size: 4 });
const stamps = (vcpu: number, count: number): number[] =>
  Array.from({ length: count }, (_, n) => stamped(vcpu, n));

/** Lets a vCPU write while this thread, which should serve it, does not: it ends if the writes are queued. */
async function writesUnserved(times: number): Promise<void> {
  const vcpu = start({ what: 'write at once', times, word: WORD });
  await vcpu.started;
  control.store32(0, WORD, 1);
  while (control.load32(0, WORD) !== 2);
}

describe('coalesced writes', () => {
  test('wait for nobody; the access after them finds them done, in their order', async () => {
    await coalesced(device(recorder()));
    await writesUnserved(RING_ENTRY_COUNT_MAX);
    expect(seen).toEqual([]);
    expect(control.load32(0, DEVICE)).toBe(RING_ENTRY_COUNT_MAX);
    expect(seen).toEqual(stamps(0, RING_ENTRY_COUNT_MAX));
  });

  test('are done before a write that is not coalesced, and more than the ring holds keep their order', async () => {
    await coalesced(device(recorder()), 0, 4);
    const count = 3 * RING_ENTRY_COUNT_MAX;
    expect(await start({ times: count }).finished).toBe(MEMTX_OK);
    await perform(write(DEVICE + 4, 0xffff));
    expect(seen).toEqual([...stamps(0, count), 0xffff]);
  });

  test('are only those that lie in a range whole, and that the device takes', async () => {
    const callbacks = { read: () => 0, write: (_offset: number, value: number) => void seen.push(value) };
    const region = device(controlDevice(callbacks, { access: { valid: { min: 2, max: 4 } } }));
    await coalesced(region, 4, 6);
    const done = await perform(
      write(DEVICE + 4, 1),
      { address: DEVICE + 8, size: 2, value: 2 },
      write(DEVICE + 8, 3), // ends past the range
      write(DEVICE, 4),
      { address: DEVICE + 4, size: 1, value: 5 }, // smaller than the device takes
    );
    expect(done).toEqual([MEMTX_OK, MEMTX_OK, MEMTX_OK, MEMTX_OK, MEMTX_DECODE_ERROR]);
    expect([seen, ringOf(region)[RING_TAIL]]).toEqual([[1, 2, 3, 4], 2]);
  });

  test.each(['control', 'hosted', 'local'])('are done when a read asks: %s', async (placement) => {
    const words = newLog();
    const options = { exportName: 'log', state: words.buffer };
    const binding =
      placement === 'control'
        ? controlDevice({
            read: () => words[0]!,
            write: (_offset, value) => {
              words[LOG_VALUES + words[0]!] = value;
              words[0]! += 1;
            },
          })
        : placement === 'hosted'
          ? hostedDevice(await machine.startDeviceHost(), devices, options)
          : localDevice(devices, options);
    await coalesced(device(binding));
    const done = await perform(...[5, 6, 7].map((value) => write(DEVICE, value)), read(DEVICE));
    expect([done, logged(words)]).toEqual([
      [MEMTX_OK, MEMTX_OK, MEMTX_OK, [3, MEMTX_OK]],
      [5, 6, 7],
    ]);
  });

  test.each(['hosted', 'local'])(
    'of two vCPUs that take turns through RAM are in that order: %s',
    async (placement) => {
      const words = newLog();
      const options = { exportName: 'log', state: words.buffer };
      const binding =
        placement === 'hosted'
          ? hostedDevice(await machine.startDeviceHost(), devices, options)
          : localDevice(devices, options);
      await coalesced(device(binding));
      const times = 150;
      const vcpus = [0, 1].map((turn) => start({ what: 'relay', times, word: WORD, turn, turns: 2 }));
      expect(await Promise.all(vcpus.map(({ finished }) => finished))).toEqual([MEMTX_OK, MEMTX_OK]);
      expect(await perform(read(DEVICE))).toEqual([[2 * times, MEMTX_OK]]);
      expect(logged(words)).toEqual(Array.from({ length: 2 * times }, (_, n) => n));
    },
  );

  test('of several vCPUs at once are in the order of each, and none is lost', async () => {
    await coalesced(device(recorder()));
    const times = 500;
    const vcpus = [start({ times }), start({ times }), start({ times })];
    await Promise.all(vcpus.map(({ finished }) => finished));
    await machine.flushCoalesced();
    for (const { id } of vcpus) {
      expect(seen.filter((value) => value >>> 16 === id)).toEqual(stamps(id, times));
    }
  });

  test('are done in the name of the vCPU that wrote', async () => {
    const words = newLog();
    await coalesced(
      device(
        hostedDevice(await machine.startDeviceHost(), devices, {
          exportName: 'writers',
          state: words.buffer,
        }),
      ),
    );
    const vcpus = [0, 1, 2].map((turn) => start({ what: 'relay', times: 2, word: WORD, turn, turns: 3 }));
    await Promise.all(vcpus.map(({ finished }) => finished));
    await machine.flushCoalesced();
    expect(logged(words)).toEqual([0, 1, 2, 0, 1, 2]);
  });
});

describe('the flush flag', () => {
  test.each(['hosted', 'local'])(
    'of a neighbour has the queue done before its accesses: %s',
    async (placement) => {
      const words = newLog();
      const options = { exportName: 'log', state: words.buffer };
      const binding =
        placement === 'hosted'
          ? hostedDevice(await machine.startDeviceHost(), devices, options)
          : localDevice(devices, options);
      await coalesced(device(binding));
      const seenByNeighbour: number[] = [];
      const note = () => seenByNeighbour.push(words[0]!);
      const neighbour = device(controlDevice({ read: note, write: note }), NEIGHBOUR);
      neighbour.coalescing.setFlushCoalesced();
      const list = [
        write(DEVICE, 1),
        write(NEIGHBOUR, 0),
        write(DEVICE, 2),
        write(DEVICE, 3),
        read(NEIGHBOUR),
      ];
      await perform(...list);
      expect(seenByNeighbour).toEqual([1, 3]);
    },
  );

  test('is obeyed by the control thread, for whom a device worker replays', async () => {
    const words = newLog();
    const host = await machine.startDeviceHost();
    await coalesced(device(hostedDevice(host, devices, { exportName: 'log', state: words.buffer })));
    const neighbour = device(recorder(), NEIGHBOUR);
    neighbour.coalescing.setFlushCoalesced();
    control.store32(0, DEVICE, 9);
    control.store32(0, NEIGHBOUR, 1);
    expect([logged(words), seen]).toEqual([[9], [1]]);
    neighbour.coalescing.clearFlushCoalesced();
    control.store32(0, NEIGHBOUR, 2);
    expect(seen).toEqual([1, 2]);
  });
});

describe('where no access follows', () => {
  test('a vCPU that goes to sleep has its writes done', async () => {
    await coalesced(device(recorder()));
    const vcpu = start({ what: 'write and sleep', times: 5 });
    await until(() => seen.length === 5);
    expect(seen).toEqual(stamps(0, 5));
    await vcpu.stop();
  });

  test('a vCPU that ends has its writes done: a local device', async () => {
    const words = newLog();
    await coalesced(device(localDevice(devices, { exportName: 'log', state: words.buffer })));
    await start({ times: 5 }).finished;
    expect(logged(words)).toEqual(stamps(0, 5));
  });

  test('flushCoalesced() has them done: at once in the control thread, awaited in a worker', async () => {
    const region = await coalesced(device(recorder()));
    await writesUnserved(5);
    const flushed = machine.flushCoalesced(region);
    expect(seen).toEqual(stamps(0, 5));
    await flushed;
    const words = newLog();
    const host = await machine.startDeviceHost();
    const hosted = device(hostedDevice(host, devices, { exportName: 'log', state: words.buffer }), NEIGHBOUR);
    await coalesced(hosted);
    control.store32(0, NEIGHBOUR, 3);
    await machine.flushCoalesced(hosted);
    expect(logged(words)).toEqual([3]);
    await machine.flushCoalesced(root); // which has no ring
  });

  test('ranges that are cleared leave nothing queued', async () => {
    const region = await coalesced(device(recorder()));
    await writesUnserved(5);
    region.coalescing.clear();
    await until(() => seen.length === 5);
    expect(await start({ times: 2 }).finished).toBe(MEMTX_OK);
    expect(seen).toEqual([...stamps(0, 5), ...stamps(0, 2)]);
  });
});

describe('a ring', () => {
  test('that a killed vCPU holds is free again', async () => {
    const region = await coalesced(device(recorder()));
    const ring = ringOf(region);
    const vcpu = start({ what: 'write for ever' });
    await until(() => seen.length > 0);
    vcpu.terminate();
    await expect(vcpu.finished).rejects.toThrow('VCPU_FAILED');
    expect(ring[RING_LOCK]).toBe(0);
    seen.length = 0;
    await writesUnserved(3); // queued, or they would wait for us
    await machine.flushCoalesced();
    expect(seen).toEqual(stamps(0, 3));
  });

  test('of a host that died takes nothing any more: writes fail as they do without it', async () => {
    const host = await machine.startDeviceHost();
    const region = device(hostedDevice(host, devices, { exportName: 'log', state: newLog().buffer }));
    await coalesced(region);
    control.store32(0, DEVICE, 1);
    await machine.closeDeviceHost(host);
    await machine.flushCoalesced();
    expect(ringOf(region)[RING_OPEN]).toBe(0);
    control.store32(0, DEVICE, 2);
    expect(control.result).toBe(MEMTX_ERROR);
  });

  test('is refused to a device without a lock, where it is mapped and when it is', () => {
    const binding = () =>
      localDevice(plainModule, { exportName: 'registers', lock: 'none', state: new SharedArrayBuffer(64) });
    const region = device(binding());
    expect(() => region.coalescing.add(0, 4)).toThrow(/INVALID_ARGUMENT.*without a lock.*lock 'shared'/);
    expect(region.coalescing.items).toEqual([]);
    const other = MemoryRegion.io('other', 0x100, binding());
    other.coalescing.add(0, 4);
    expect(() => root.addSubregion(NEIGHBOUR, other)).toThrow(/INVALID_ARGUMENT: region 'other'/);
    region.coalescing.setFlushCoalesced(); // which needs no order of its own calls
    control.store32(0, DEVICE, 2);
    expect(control.load32(0, DEVICE)).toBe(2);
  });

  test('is left alone from inside an access to its owner, whose guard would deny the replay', async () => {
    const inner: number[] = [];
    const binding = controlDevice({
      read: () => seen.length,
      write: (_offset, value) => {
        seen.push(value);
        if (value !== stamped(0, 0)) return;
        control.load32(0, NEIGHBOUR); // of the same owner: denied, and nothing is replayed to be denied too
        inner.push(control.result);
      },
    });
    await coalesced(device(binding, DEVICE, 'card'));
    const other = device(recorder(), NEIGHBOUR, 'card');
    other.coalescing.setFlushCoalesced();
    await writesUnserved(3);
    expect(control.load32(0, DEVICE)).toBe(3);
    expect([seen, inner.length]).toEqual([stamps(0, 3), 1]);
    await until(() => reports.length > 0);
    expect(reports.every(({ isWrite }) => !isWrite)).toBe(true);
  });
});
