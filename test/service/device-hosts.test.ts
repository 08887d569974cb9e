import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  controlDevice,
  type DeviceBinding,
  hostedDevice,
  localDevice,
} from '../../src/base/device-binding.ts';
import { MEMTX_DECODE_ERROR, MEMTX_ERROR, MEMTX_OK } from '../../src/base/mem-tx-result.ts';
import type { MemoryRegion } from '../../src/model/memory-region.ts';
import type { VcpuHandle } from '../../src/service/vcpu-handle.ts';
import type { Access, Job } from './programs/basics.ts';
import { VcpuMachine } from './vcpu-fixture.ts';

const basics = new URL('./programs/basics.ts', import.meta.url);
const devices = new URL('./programs/devices.ts', import.meta.url);
const DEVICE = 0x4000_0000;

let machine: VcpuMachine;
beforeEach(() => {
  machine = new VcpuMachine('piscina');
});
afterEach(() => machine.close());

const start = (data: Job): VcpuHandle => machine.vcpus.start({ program: basics, data });
const perform = (...list: Access[]): Promise<unknown> => start({ what: 'accesses', list }).finished;
const read = (offset = 0): Access => ({ address: DEVICE + offset, size: 4 });
const write = (value: number, offset = 0): Access => ({ address: DEVICE + offset, size: 4, value });
const sharedWords = (): Int32Array<SharedArrayBuffer> => new Int32Array(new SharedArrayBuffer(64));
const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2));
};

/** The same garbage from a device of each placement. */
function garbageDevice(placement: string, host: number, data: unknown): DeviceBinding {
  if (placement === 'hosted') return hostedDevice(host, devices, { exportName: 'garbage', data });
  const lock = placement === 'local' ? 'shared' : 'none';
  return localDevice(devices, { exportName: 'garbage', data, lock });
}

describe('a device in the control thread', () => {
  test('is asked with offset and size, and answers with the low bytes', async () => {
    const calls: unknown[] = [];
    const device = controlDevice({
      read: (offset, size) => {
        calls.push(['read', offset, size]);
        return 0x8765_4321;
      },
      write: (offset, value, size) => calls.push(['write', offset, value, size]),
    });
    machine.addDevice(DEVICE, 'chip', device);
    const done = await perform(read(8), { address: DEVICE + 1, size: 1 }, write(0xffff_fffe, 12), {
      address: DEVICE + 2,
      size: 2,
      value: 0x1_8001,
    });
    expect(done).toEqual([[0x8765_4321, MEMTX_OK], [0x21, MEMTX_OK], MEMTX_OK, MEMTX_OK]);
    expect(calls).toEqual([
      ['read', 8, 4],
      ['read', 1, 1],
      ['write', 12, 0xffff_fffe, 4],
      ['write', 2, 0x8001, 2],
    ]);
  });

  test('may change the layout from inside an access: the vCPU sees that at its very next access', async () => {
    let region: MemoryRegion;
    const device = controlDevice({
      read: () => 7,
      write: (_offset, value) => {
        region.setAddress(value);
        void machine.grace.synchronize(); // not held up by the vCPU that waits for this handler
      },
    });
    region = machine.addDevice(DEVICE, 'bar', device);
    const moved = DEVICE + 0x1000;
    const done = await perform(read(), write(moved), read(), { address: moved, size: 4 });
    expect(done).toEqual([[7, MEMTX_OK], MEMTX_OK, [0, MEMTX_DECODE_ERROR], [7, MEMTX_OK]]);
  });

  test('a stream of accesses leaves timers of the control thread their turns', async () => {
    let ticks = 0;
    machine.addDevice(DEVICE, 'chip', controlDevice({ read: () => 0, write: () => {} }));
    const timer = setInterval(() => {
      ticks += 1;
    }, 1);
    await start({ what: 'increment', address: DEVICE, times: 3000 }).finished;
    clearInterval(timer);
    expect(ticks).toBeGreaterThan(3);
  });
});

describe('a device that fails', () => {
  const garbage = [
    ['NaN', 'answered NaN'],
    ['fraction', 'answered 1.5'],
    ['infinity', 'answered Infinity'],
    ['string', "answered the string '7'"],
    ['bigint', 'answered a bigint'],
    ['undefined', 'answered undefined'],
    ['null', 'answered null'],
    ['object', 'answered object'],
    ['promise', 'answered a promise'],
    ['throw', 'threw: smoke'],
  ] as const;

  test.each(['local', 'local without lock', 'hosted'])(
    'gives MEMTX_ERROR and is reported: %s',
    async (placement) => {
      const data = garbage.map(([what]) => what);
      const host = placement === 'hosted' ? await machine.hosts.startHost() : 0;
      for (const [i, what] of data.entries()) {
        machine.addDevice(DEVICE + i * 0x100, what, garbageDevice(placement, host, what));
      }
      const done = await perform(...data.map((_what, i) => read(i * 0x100 + 4)));
      expect(done).toEqual(data.map(() => [0, MEMTX_ERROR]));
      await until(() => machine.reports.length >= data.length);
      for (const [i, [what, problem]] of garbage.entries()) {
        expect(machine.reports[i]).toMatchObject({
          regionName: what,
          vcpu: 0,
          offset: 4,
          size: 4,
          isWrite: false,
          count: 1,
        });
        expect(machine.reports[i]!.problem).toContain(problem);
      }
    },
  );

  test('a write that throws or is asynchronous', async () => {
    machine.addDevice(DEVICE, 'a', localDevice(devices, { exportName: 'garbage', data: 'throw' }));
    machine.addDevice(DEVICE + 0x100, 'b', localDevice(devices, { exportName: 'garbage', data: 'promise' }));
    machine.addDevice(DEVICE + 0x200, 'c', localDevice(devices, { exportName: 'garbage', data: 'string' }));
    expect(await perform(write(1), write(1, 0x100), write(1, 0x200))).toEqual([
      MEMTX_ERROR,
      MEMTX_ERROR,
      MEMTX_OK,
    ]);
    await until(() => machine.reports.length >= 2);
    expect(machine.reports.map(({ isWrite, problem }) => [isWrite, problem])).toEqual([
      [true, 'its write handler threw: smoke'],
      [true, 'its write handler is asynchronous'],
    ]);
    expect(machine.reports[0]!.stack).toContain('programs/devices.ts');
  });
});

describe('a device in a worker of its own', () => {
  test('answers from that thread, knows who asks, and wakes vCPUs', async () => {
    const host = await machine.hosts.startHost();
    machine.addDevice(DEVICE, 'chip', hostedDevice(host, devices));
    const sleeper = start({ what: 'sleep' });
    await until(() => sleeper.phase === 'waiting-for-interrupt');
    const [[thread], [vcpu]] = (await perform(read(0), read(4), write(sleeper.id))) as [[number], [number]];
    expect(thread).toBeGreaterThan(0);
    expect(vcpu).toBe(1);
    await machine.ramWord(0x100 + 4 * sleeper.id, (wakes) => wakes === 1);
    await sleeper.stop();
  });

  test('has the control thread change the layout from inside an access, and hears what went wrong', async () => {
    const host = await machine.hosts.startHost();
    const exportName = 'asking';
    const onAsk = (message: unknown): number => {
      if (message === 1) throw new RangeError('not that one');
      region.setAddress(message as number); // a bad address: MemoryError
      return 0x99;
    };
    const region = machine.addDevice(DEVICE, 'bar', hostedDevice(host, devices, { exportName, onAsk }));
    machine.addDevice(DEVICE + 0x200, 'mute', hostedDevice(host, devices, { exportName }));
    machine.addDevice(DEVICE + 0x300, 'local', localDevice(devices, { exportName }));
    const moved = DEVICE + 0x1000;
    const done = await perform(write(1), write(1, 0x200), write(1, 0x300), write(moved), read(), {
      address: moved,
      size: 4,
    });
    expect(done).toEqual([
      MEMTX_ERROR,
      MEMTX_ERROR,
      MEMTX_ERROR,
      MEMTX_OK,
      [0, MEMTX_DECODE_ERROR],
      [0x99, MEMTX_OK],
    ]);
    await until(() => machine.reports.length === 3);
    const problems = machine.reports.map(({ regionName, problem }) => `${regionName}: ${problem}`).sort();
    expect(problems[0]).toContain('bar: its write handler threw: not that one');
    expect(problems[1]).toContain(
      'local: its write handler threw: INVALID_ARGUMENT: ask() in a device that every',
    );
    expect(problems[2]).toContain(
      'mute: its write handler threw: INVALID_ARGUMENT: the device asks the control',
    );
  });

  test('that dies fails the access in progress, later ones and later attachments', async () => {
    const host = await machine.hosts.startHost();
    machine.addDevice(DEVICE, 'mortal', hostedDevice(host, devices, { exportName: 'mortal' }));
    expect(await perform(read(), read(), write(1))).toEqual([
      [0, MEMTX_ERROR],
      [0, MEMTX_ERROR],
      MEMTX_ERROR,
    ]);
    expect(machine.deaths).toEqual([{ host, exitCode: 7, error: null }]);
    const attach = () => machine.addDevice(DEVICE + 0x100, 'late', hostedDevice(host, devices));
    expect(attach).toThrow(/DEVICE_HOST_DEAD: device host 1 has ended; start another/);
    expect(() => machine.addDevice(DEVICE + 0x200, 'x', hostedDevice(9, devices))).toThrow(
      /INVALID_ARGUMENT: there is no device host 9/,
    );
  });

  test('that is closed does the same, and is no death to report', async () => {
    const host = await machine.hosts.startHost();
    machine.addDevice(DEVICE, 'chip', hostedDevice(host, devices));
    await machine.hosts.closeHost(host);
    expect(await perform(read())).toEqual([[0, MEMTX_ERROR]]);
    expect(machine.deaths).toEqual([]);
  });

  test('whose module does not load answers with MEMTX_ERROR and a report', async () => {
    const host = await machine.hosts.startHost();
    machine.addDevice(DEVICE, 'chip', hostedDevice(host, devices, { exportName: 'nothing' }));
    expect(await perform(read())).toEqual([[0, MEMTX_ERROR]]);
    await until(() => machine.reports.length > 0);
    expect(machine.reports[0]!.problem).toContain("no export 'nothing'");
  });

  test('a vCPU that dies in mid-access leaves its slot unused until the answer came', async () => {
    const state = sharedWords();
    const host = await machine.hosts.startHost();
    machine.addDevice(
      DEVICE,
      'slow',
      hostedDevice(host, devices, { exportName: 'slow', state: state.buffer }),
    );
    const asking = start({ what: 'accesses', list: [read()] });
    await until(() => Atomics.load(state, 0) === 1);
    expect(asking.phase).toBe('waiting-for-device');
    await asking.terminate();
    expect(start({ what: 'sum' }).id).toBe(asking.id + 1);
    Atomics.store(state, 1, 1);
    let id = -1;
    while (id !== asking.id) {
      const next = start({ what: 'sum' });
      await next.finished;
      id = next.id;
    }
  });
});

describe('a device in every vCPU', () => {
  test.each([
    ['shares its state, and the shared lock makes its calls one at a time', 'shared'],
    ['shares its state, and a lock of its own makes its calls one at a time', 'own'],
  ] as const)('%s', async (_what, lock) => {
    const state = sharedWords();
    machine.addDevice(
      DEVICE,
      'counter',
      localDevice(devices, { exportName: 'counter', state: state.buffer, lock }),
    );
    const times = 10_000;
    const vcpus = [0, 1].map(() => start({ what: 'increment', address: DEVICE, times }));
    await Promise.all(vcpus.map((vcpu) => vcpu.finished));
    expect(state[0]).toBe(2 * times);
  });

  test('of its own lock waits for no other', async () => {
    const state = sharedWords();
    const slow = localDevice(devices, { exportName: 'slow', state: state.buffer, lock: 'own' });
    machine.addDevice(DEVICE, 'slow', slow);
    machine.addDevice(DEVICE + 0x100, 'shared', localDevice(devices));
    machine.addDevice(DEVICE + 0x200, 'own', localDevice(devices, { lock: 'own' }));
    const holder = start({ what: 'accesses', list: [read()] });
    await until(() => Atomics.load(state, 0) === 1);
    const other = start({ what: 'accesses', list: [read(0x104), read(0x204)] });
    const answers = [0, 1].map(() => [other.id, MEMTX_OK]);
    await expect(other.finished).resolves.toEqual(answers);
    await holder.terminate();
  });

  test.each([
    ['shared', 'another device', 0x100],
    ['own', 'the same device', 0],
  ] as const)('a vCPU that dies holding lock %s does not keep it from %s', async (lock, _which, offset) => {
    const state = sharedWords();
    const slow = localDevice(devices, { exportName: 'slow', state: state.buffer, lock });
    machine.addDevice(DEVICE, 'slow', slow);
    machine.addDevice(DEVICE + 0x100, 'another', slow);
    const holder = start({ what: 'accesses', list: [read()] });
    await until(() => Atomics.load(state, 0) === 1);
    const waiter = start({ what: 'accesses', list: [write(1, offset)] });
    await until(() => waiter.phase === 'waiting-for-device');
    await holder.terminate();
    await expect(waiter.finished).resolves.toEqual([MEMTX_OK]);
  });

  test('is found by a busy vCPU that started before the device was there', async () => {
    const vcpu = start({ what: 'poll', address: DEVICE });
    await until(() => vcpu.phase === 'running');
    const state = sharedWords();
    state[0] = 0x77;
    machine.addDevice(
      DEVICE,
      'hot',
      localDevice(devices, { exportName: 'counter', state: state.buffer, lock: 'none' }),
    );
    await expect(vcpu.finished).resolves.toEqual([0x77, MEMTX_OK]);
  });

  test('that does not load keeps a vCPU from starting', async () => {
    machine.addDevice(DEVICE, 'chip', localDevice(devices, { exportName: 'nothing' }));
    await expect(perform(read())).rejects.toMatchObject({
      code: 'DEVICE_MODULE_INVALID',
      message: expect.stringContaining(`vCPU 0: device module ${devices.href}: it has no export 'nothing'`),
    });
  });

  test('that does not load in mid-run fails the access, again and again, with a report', async () => {
    const words = sharedWords();
    machine.addDevice(
      DEVICE,
      'gate',
      controlDevice({
        read: () => 0,
        write: () => {
          machine.addDevice(
            DEVICE + 0x100,
            'bad',
            localDevice(devices, { exportName: 'failing', state: words.buffer }),
          );
        },
      }),
    );
    expect(await perform(read(0x100), write(1), read(0x100), read(0x100))).toEqual([
      [0, MEMTX_DECODE_ERROR],
      MEMTX_OK,
      [0, MEMTX_ERROR],
      [0, MEMTX_ERROR],
    ]);
    await until(() => machine.reports.length === 2);
    expect(machine.reports[1]).toMatchObject({ regionName: 'bad', count: 2 });
    expect(machine.reports[1]!.problem).toContain('no such chip');
  });
});

test('a device whose state or data cannot be shared is refused when it is mapped', () => {
  const withData = localDevice(devices, { data: () => 1 });
  expect(() => machine.addDevice(DEVICE, 'a', withData)).toThrow(
    /INVALID_ARGUMENT: the data of the device of region 'a'/,
  );
  const state = new ArrayBuffer(8) as unknown as SharedArrayBuffer;
  expect(() => machine.addDevice(DEVICE, 'b', localDevice(devices, { state }))).toThrow(
    /must be a SharedArrayBuffer/,
  );
});
