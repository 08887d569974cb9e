import { isMainThread } from 'node:worker_threads';
import { localDevice, Machine, MemoryRegion } from 'flatview';
import type { DeviceContext, Vcpu } from 'flatview/vcpu';

export function bell({ state }: DeviceContext) {
  // a device, loaded in each vCPU's thread
  const rings = new Int32Array(state); // its register, in shared memory
  return { read: () => rings[0]!, write: () => void Atomics.add(rings, 0, 1) };
}
export default function program(vcpu: Vcpu): void {
  // what each vCPU runs
  for (let turn = 0; vcpu.checkpoint(); turn++) {
    vcpu.memory.store32(0, turn % 2 ? 0x1000_0000 : 0x2000_0000, 1); // an address is two int32 halves
    if (vcpu.memory.result === 0) vcpu.memory.atomicAdd32(0, 0x100, 1); // else: nothing is mapped there
  }
}
async function main(): Promise<void> {
  const state = new SharedArrayBuffer(4);
  const ram = MemoryRegion.ram('ram', 0x10_0000);
  const device = MemoryRegion.io('bell', 0x1000, localDevice(import.meta.url, { exportName: 'bell', state }));
  const system = MemoryRegion.container('system', 2n ** 64n);
  system.addSubregion(0, ram);
  system.addSubregion(0x1000_0000, device);
  const machine = new Machine();
  machine.addAddressSpace('memory', system);
  for (const vcpu of [1, 2].map(() => machine.startVcpu({ program: import.meta.url }))) await vcpu.started;
  for (let move = 1; move <= 1000; move++) device.setAddress(move % 2 ? 0x2000_0000 : 0x1000_0000);
  await machine.synchronize(); // both vCPUs have seen the last move; what was replaced is free again
  await machine.stop();
  const heard = new Int32Array(machine.readRam(ram, 0x100, 4).buffer)[0];
  console.log(`the vCPUs rang ${heard} times, the bell counted ${new Int32Array(state)[0]}`);
  await machine.close();
}
if (isMainThread) void main();
