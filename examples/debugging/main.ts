/**
 * debugging: what is told when something goes wrong, and what can be listened to.
 *
 *   node --import tsx examples/debugging/main.ts
 *
 * The vCPU passes no checkpoint until somebody notices, so a grace period waits for it; then it accesses a device
 * that throws. Both are reported, by default as process warnings, and nothing else comes of them.
 */
import { subscribe } from 'node:diagnostics_channel';
import { Doorbell, localDevice, Machine, MemoryRegion, printMtree, type ViewEvent } from 'flatview';
import { DEVICE, type Task } from './guest.ts';

const noticed = new Int32Array(new SharedArrayBuffer(4));
const spinning = new Doorbell();
const machine = new Machine({
  checked: true, // what is reclaimed is filled with poison, so that a use of it is loud
  traceAccesses: true, // for the channel that the guest subscribes to
  stallMs: 20,
  onStall({ slot }) {
    console.log(`vCPU ${slot} passes no checkpoint; others wait`);
    Atomics.store(noticed, 0, 1); // what this vCPU waits for
  },
  onDeviceReport: ({ regionName, offset, problem }) =>
    console.log(`device '${regionName}', offset ${offset}: ${problem}`),
});
subscribe('flatview:view-create', (event) => {
  const { rootName, sectionCount } = event as ViewEvent;
  console.log(`a view of '${rootName}' with ${sectionCount} sections`);
});

const program = new URL('./guest.ts', import.meta.url);
const system = MemoryRegion.container('system', 2n ** 64n);
const ram = MemoryRegion.ram('ram', 0x1000);
system.addSubregion(0, ram);
system.addSubregion(DEVICE, MemoryRegion.io('broken', 4, localDevice(program, { exportName: 'broken' })));
const space = machine.addAddressSpace('memory', system);
try {
  const data: Task = { noticed, spinning: spinning.handle };
  const vcpu = machine.startVcpu({ program, data });
  await spinning.next();
  ram.setReadonly(true); // replaces a view that the vCPU may be using
  for (const access of (await vcpu.finished) as string[]) console.log(`it traced: ${access}`);
  console.log(printMtree([space]).trim());
} finally {
  await machine.close();
}
