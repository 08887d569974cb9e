import { isMainThread } from 'node:worker_threads';
import { localDevice, Machine, MemoryRegion } from 'flatview';
import type { DeviceContext, Vcpu } from 'flatview/vcpu';

// A device, loaded in every vCPU's thread; its one register is shared memory.
export function bell({ state }: DeviceContext) {
  const rings = new Int32Array(state);
  return { read: () => Atomics.load(rings, 0), write: () => void Atomics.add(rings, 0, 1) };
}
// What each vCPU runs: it rings wherever the bell may be. In a hole `result` is not 0.
export default function program(vcpu: Vcpu, places: number[]): number {
  let heard = 0;
  for (let turn = 0; vcpu.checkpoint(); turn++) {
    vcpu.memory.store32(0, places[turn % places.length]!, turn); // an address is two int32 halves
    if (vcpu.memory.result === 0) heard++;
  }
  return heard;
}
async function main(): Promise<void> {
  const state = new SharedArrayBuffer(4);
  const device = MemoryRegion.io('bell', 0x1000, localDevice(import.meta.url, { exportName: 'bell', state }));
  const system = MemoryRegion.container('system', 2n ** 64n);
  system.addSubregion(0x1000_0000, device);
  const machine = new Machine();
  machine.addAddressSpace('memory', system);
  const data = [0x1000_0000, 0x2000_0000];
  const vcpus = [1, 2].map(() => machine.startVcpu({ program: import.meta.url, data }));
  await Promise.all(vcpus.map((vcpu) => vcpu.started));
  for (let move = 1; move <= 1000; move++) {
    device.setAddress(data[move % 2]!); // published to both by one atomic store
    if (move % 100 === 0) await machine.synchronize(); // both have passed a checkpoint
  }
  await machine.stop();
  const heard = await Promise.all(vcpus.map((vcpu) => vcpu.finished));
  console.log(`vCPUs heard ${heard.join(' + ')} rings, the bell counted ${new Int32Array(state)[0]}`);
  await machine.close();
}
if (isMainThread) void main();
