/** A vCPU that dies with a request in its mailbox does not take its slot along. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { controlDevice, hostedDevice } from '../../src/base/device-binding.ts';
import type { MemoryError } from '../../src/base/errors.ts';
import type { VcpuHandle } from '../../src/service/vcpu-handle.ts';
import type { LastRequest } from './programs/last-request.ts';
import { VcpuMachine } from './vcpu-fixture.ts';

const program = new URL('./programs/last-request.ts', import.meta.url);
const devices = new URL('./programs/devices.ts', import.meta.url);
const DEVICE = 0x4000_0000;

let machine: VcpuMachine;
beforeEach(() => {
  machine = new VcpuMachine('threads', 1);
});
afterEach(() => machine.close());

const start = (data: LastRequest): VcpuHandle => machine.vcpus.start({ program, data });
const codeOf = (body: () => unknown): unknown => {
  try {
    return body();
  } catch (error) {
    return (error as MemoryError).code;
  }
};
const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2));
};

test('a slot is free again when the host that its dead vCPU waited for is dead too', async () => {
  const host = await machine.hosts.startHost();
  const words = new Int32Array(new SharedArrayBuffer(64));
  const device = hostedDevice(host, devices, { exportName: 'slow', state: words.buffer });
  machine.addDevice(DEVICE, 'slow', device);
  const vcpu = start({ address: DEVICE, unrung: null });
  await until(() => Atomics.load(words, 0) === 1); // the host is in the read
  await vcpu.terminate();
  // Its answer would land in the next request of the slot.
  expect(codeOf(() => start({ address: DEVICE, unrung: null }))).toBe('VCPU_SLOTS_EXHAUSTED');
  await machine.hosts.closeHost(host);
  await expect(start({ address: DEVICE, unrung: null }).finished).resolves.toBe(undefined);
});

test('a slot is free again when its vCPU died between its request and its ring', async () => {
  let reads = 0;
  const device = controlDevice({
    read: () => {
      reads += 1;
      return 0;
    },
    write: () => {},
  });
  machine.addDevice(DEVICE, 'chip', device);
  await expect(start({ address: DEVICE, unrung: 0 }).finished).rejects.toThrow('ended before its program');
  await until(() => reads === 2); // the control thread has looked, and answered nobody
  await expect(start({ address: DEVICE, unrung: null }).finished).resolves.toBe(undefined);
});
