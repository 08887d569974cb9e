/** Coalesced MMIO: writes that wait in a ring, and everything that must not go past them. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  controlDevice,
  type DeviceBinding,
  hostedDevice,
  localDevice,
} from '../../src/base/device-binding.ts';
import { MEMTX_DECODE_ERROR, MEMTX_OK } from '../../src/base/mem-tx-result.ts';
import { RING_ENTRY_COUNT_MAX, RING_STATE } from '../../src/layout/coalesced-ring.ts';
import {
  CoalescingMachine,
  DEVICE,
  logged,
  NEIGHBOUR,
  newLog,
  read,
  stamps,
  until,
  WORD,
  write,
} from './coalescing-fixture.ts';
import { LOG_VALUES } from './programs/coalesced-devices.ts';

const devices = new URL('./programs/coalesced-devices.ts', import.meta.url);
let bed: CoalescingMachine;
beforeEach(() => {
  bed = new CoalescingMachine();
});
afterEach(() => bed.machine.close());

/** A device that notes in `words` what is written to it. */
async function logger(placement: string, words: Int32Array<SharedArrayBuffer>): Promise<DeviceBinding> {
  const options = { exportName: 'log', state: words.buffer };
  if (placement === 'hosted') return hostedDevice(await bed.machine.startDeviceHost(), devices, options);
  if (placement === 'local') return localDevice(devices, options);
  return controlDevice({
    read: () => words[0]!,
    write: (_offset, value) => {
      words[LOG_VALUES + words[0]!] = value;
      words[0]! += 1;
    },
  });
}

describe('coalesced writes', () => {
  test('wait for nobody; the access after them finds them done, in their order', async () => {
    await bed.coalesced(bed.device(bed.recorder()));
    await bed.writesUnserved(RING_ENTRY_COUNT_MAX);
    expect(bed.seen).toEqual([]);
    expect(bed.control.load32(0, DEVICE)).toBe(RING_ENTRY_COUNT_MAX);
    expect(bed.seen).toEqual(stamps(0, RING_ENTRY_COUNT_MAX));
  });

  test('are done before a write that is not coalesced, and more than the ring holds keep their order', async () => {
    await bed.coalesced(bed.device(bed.recorder()), 0, 4);
    const count = 3 * RING_ENTRY_COUNT_MAX;
    expect(await bed.start({ times: count }).finished).toBe(MEMTX_OK);
    await bed.perform(write(DEVICE + 4, 0xffff));
    expect(bed.seen).toEqual([...stamps(0, count), 0xffff]);
  });

  test('are only those that lie in a range whole, and that the device takes', async () => {
    const callbacks = { read: () => 0, write: (_offset: number, value: number) => void bed.seen.push(value) };
    const region = bed.device(controlDevice(callbacks, { access: { valid: { min: 2, max: 4 } } }));
    await bed.coalesced(region, 4, 6);
    const done = await bed.perform(
      write(DEVICE + 4, 1),
      { address: DEVICE + 8, size: 2, value: 2 },
      write(DEVICE + 8, 3), // ends past the range
      write(DEVICE, 4),
      { address: DEVICE + 4, size: 1, value: 5 }, // smaller than the device takes
    );
    expect(done).toEqual([MEMTX_OK, MEMTX_OK, MEMTX_OK, MEMTX_OK, MEMTX_DECODE_ERROR]);
    expect([bed.seen, bed.ringOf(region)[RING_STATE]]).toEqual([[1, 2, 3, 4], 2]);
  });

  test.each(['control', 'hosted', 'local'])('are done when a read asks: %s', async (placement) => {
    const words = newLog();
    await bed.coalesced(bed.device(await logger(placement, words)));
    const done = await bed.perform(...[5, 6, 7].map((value) => write(DEVICE, value)), read(DEVICE));
    expect([done, logged(words)]).toEqual([
      [MEMTX_OK, MEMTX_OK, MEMTX_OK, [3, MEMTX_OK]],
      [5, 6, 7],
    ]);
  });

  test.each(['hosted', 'local'])(
    'of two vCPUs that take turns through RAM are in that order: %s',
    async (placement) => {
      const words = newLog();
      await bed.coalesced(bed.device(await logger(placement, words)));
      const times = 150;
      const vcpus = [0, 1].map((turn) => bed.start({ what: 'relay', times, word: WORD, turn, turns: 2 }));
      expect(await Promise.all(vcpus.map(({ finished }) => finished))).toEqual([MEMTX_OK, MEMTX_OK]);
      expect(await bed.perform(read(DEVICE))).toEqual([[2 * times, MEMTX_OK]]);
      expect(logged(words)).toEqual(Array.from({ length: 2 * times }, (_, n) => n));
    },
  );

  test('of several vCPUs at once are in the order of each, and none is lost', async () => {
    await bed.coalesced(bed.device(bed.recorder()));
    const times = 500;
    const vcpus = [bed.start({ times }), bed.start({ times }), bed.start({ times })];
    await Promise.all(vcpus.map(({ finished }) => finished));
    await bed.machine.flushCoalesced();
    for (const { id } of vcpus) {
      expect(bed.seen.filter((value) => value >>> 16 === id)).toEqual(stamps(id, times));
    }
  });

  test('are done in the name of the vCPU that wrote', async () => {
    const words = newLog();
    await bed.coalesced(
      bed.device(
        hostedDevice(await bed.machine.startDeviceHost(), devices, {
          exportName: 'writers',
          state: words.buffer,
        }),
      ),
    );
    const vcpus = [0, 1, 2].map((turn) => bed.start({ what: 'relay', times: 2, word: WORD, turn, turns: 3 }));
    await Promise.all(vcpus.map(({ finished }) => finished));
    await bed.machine.flushCoalesced();
    expect(logged(words)).toEqual([0, 1, 2, 0, 1, 2]);
  });
});

describe('the flush flag', () => {
  test.each(['hosted', 'local'])(
    'of a neighbour has the queue done before its accesses: %s',
    async (placement) => {
      const words = newLog();
      await bed.coalesced(bed.device(await logger(placement, words)));
      const seenByNeighbour: number[] = [];
      const note = () => seenByNeighbour.push(words[0]!);
      const neighbour = bed.device(controlDevice({ read: note, write: note }), NEIGHBOUR);
      neighbour.coalescing.setFlushCoalesced();
      const list = [
        write(DEVICE, 1),
        write(NEIGHBOUR, 0),
        write(DEVICE, 2),
        write(DEVICE, 3),
        read(NEIGHBOUR),
      ];
      await bed.perform(...list);
      expect(seenByNeighbour).toEqual([1, 3]);
    },
  );

  test('is obeyed by the control thread, for whom a device worker replays', async () => {
    const words = newLog();
    const host = await bed.machine.startDeviceHost();
    await bed.coalesced(bed.device(hostedDevice(host, devices, { exportName: 'log', state: words.buffer })));
    const neighbour = bed.device(bed.recorder(), NEIGHBOUR);
    neighbour.coalescing.setFlushCoalesced();
    bed.control.store32(0, DEVICE, 9);
    bed.control.store32(0, NEIGHBOUR, 1);
    expect([logged(words), bed.seen]).toEqual([[9], [1]]);
    neighbour.coalescing.clearFlushCoalesced();
    bed.control.store32(0, NEIGHBOUR, 2);
    expect(bed.seen).toEqual([1, 2]);
  });
});

describe('where no access follows', () => {
  test('a vCPU that goes to sleep has its writes done', async () => {
    await bed.coalesced(bed.device(bed.recorder()));
    const vcpu = bed.start({ what: 'write and sleep', times: 5 });
    await until(() => bed.seen.length === 5);
    expect(bed.seen).toEqual(stamps(0, 5));
    await vcpu.stop();
  });

  test('a vCPU that ends has its writes done: a local device', async () => {
    const words = newLog();
    await bed.coalesced(bed.device(localDevice(devices, { exportName: 'log', state: words.buffer })));
    await bed.start({ times: 5 }).finished;
    expect(logged(words)).toEqual(stamps(0, 5));
  });

  test('flushCoalesced() has them done: at once in the control thread, awaited in a worker', async () => {
    const region = await bed.coalesced(bed.device(bed.recorder()));
    await bed.writesUnserved(5);
    const flushed = bed.machine.flushCoalesced(region);
    expect(bed.seen).toEqual(stamps(0, 5));
    await flushed;
    const words = newLog();
    const host = await bed.machine.startDeviceHost();
    const hosted = bed.device(
      hostedDevice(host, devices, { exportName: 'log', state: words.buffer }),
      NEIGHBOUR,
    );
    await bed.coalesced(hosted);
    bed.control.store32(0, NEIGHBOUR, 3);
    await bed.machine.flushCoalesced(hosted);
    expect(logged(words)).toEqual([3]);
    await bed.machine.flushCoalesced(bed.root); // which has no ring
  });

  test('ranges that are cleared leave nothing queued', async () => {
    const region = await bed.coalesced(bed.device(bed.recorder()));
    await bed.writesUnserved(5);
    region.coalescing.clear();
    await until(() => bed.seen.length === 5);
    const later = bed.start({ times: 2 }); // the first one's slot may not be free yet
    expect(await later.finished).toBe(MEMTX_OK);
    expect(bed.seen).toEqual([...stamps(0, 5), ...stamps(later.id, 2)]);
  });
});
