/** What went wrong in a device is told, though the vCPU that met it ends at once. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { VcpuHost } from '../../src/service/vcpu-host.ts';
import type { DeviceReport } from '../../src/vcpu/failure-reports.ts';
import { VcpuMachine } from './vcpu-fixture.ts';

const report = (count: number): DeviceReport => ({
  ...{ device: 0, regionName: 'chip', vcpu: 0, offset: 4, size: 4, isWrite: false },
  ...{ problem: 'it is broken', stack: null, count },
});

/** A thread whose end is known in the turn in which it posted its reports: by another way than those. */
const endsAtOnce: VcpuHost = {
  start({ port }) {
    for (const count of [1, 2]) port.postMessage(report(count));
    return { ended: Promise.resolve({ kind: 'returned', value: 0 }), terminate: () => {} };
  },
  close: async () => {},
};

let machine: VcpuMachine;
beforeEach(() => {
  machine = new VcpuMachine(endsAtOnce, 1);
});
afterEach(() => machine.close());

test('reports that the end of their vCPU overtakes are told, in order and before that end', async () => {
  await machine.vcpus.start({ program: import.meta.url }).finished;
  expect(machine.reports).toEqual([report(1), report(2)]);
});
