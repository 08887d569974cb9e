/**
 * wasm-vcpu: guest code that was translated to WebAssembly, on two vCPUs, while the control thread switches the RAM
 * bank that it reads.
 *
 *   node --import tsx examples/wasm-vcpu/main.ts
 *
 * WebAssembly reaches one memory only. So guest RAM lies in that memory (MemoryRegion.ramOver), and the translated
 * code finds it by a TLB of its own there: a load that hits never leaves WebAssembly. On a miss it calls the vCPU's
 * memory port, which walks the published map; devices are always reached so. What the TLB holds is true until the
 * next checkpoint, where it is dropped. Loads only: stores by such code would be missing in dirty logs.
 */
import { localDevice, Machine, MemoryRegion } from 'flatview';
import { BANK_BYTES, DEVICE, type GuestTask, WINDOW } from './guest.ts';
import { newSharedMemory } from './wasm.ts';

const SWITCHES = 100;
const RAM_BYTE = 0x1_0000; // below are the vCPUs' TLBs

const memory = newSharedMemory((RAM_BYTE + 2 * BANK_BYTES) / 0x1_0000);
for (const [bank, word] of [1, 1000].entries())
  new Int32Array(memory.buffer, RAM_BYTE + bank * BANK_BYTES, BANK_BYTES / 4).fill(word);
const banks = MemoryRegion.ramOver('banks', memory.buffer, { byteOffset: RAM_BYTE });
const window = MemoryRegion.alias('window', banks, 0, BANK_BYTES);
const program = new URL('./guest.ts', import.meta.url);
const device = localDevice(program, { exportName: 'constant', lock: 'none' });
const system = MemoryRegion.container('system', 2n ** 64n);
system.addSubregion(WINDOW, window);
system.addSubregion(DEVICE, MemoryRegion.io('constant', 4, device));

const machine = new Machine();
machine.addAddressSpace('memory', system);
try {
  const data: GuestTask = { memory, ramRegionId: banks.id, ramByte: RAM_BYTE };
  const vcpus = [1, 2].map(() => machine.startVcpu({ program, data }));
  for (const vcpu of vcpus) await vcpu.started;
  for (let bank = 1; bank <= SWITCHES; bank += 1) {
    window.setAliasOffset((bank % 2) * BANK_BYTES);
    await machine.synchronize(); // both vCPUs are at a slice that reads this bank, or a later one
  }
  await machine.stop();
  for (const { id, finished } of vcpus) console.log(`vCPU ${id}: ${await finished}`);
} finally {
  await machine.close();
}
