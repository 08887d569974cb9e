/**
 * guide: the program that docs/GUIDE.md builds up, step by step.
 *
 *   node --import tsx examples/guide/main.ts
 */
import { localDevice, Machine, MemoryRegion, printFlatViews, transaction } from 'flatview';

const ram = MemoryRegion.ram('ram', 0x8000);
const system = MemoryRegion.container('system', 2n ** 64n);
system.addSubregion(0, ram);

const machine = new Machine();
const space = machine.addAddressSpace('memory', system);

const memory = machine.memory(space); // the control thread's own port
memory.write(0x100, 4, 42);
console.log('RAM reads as', memory.read(0x100, 4), 'with result', memory.result);
console.log('a hole reads as', memory.read(0x9000, 4), 'with result', memory.result);

const boot = MemoryRegion.rom('boot', 0x1000);
machine.writeRam(boot, 0, Uint8Array.of(1, 2, 3, 4));
system.addSubregionOverlap(0x2000, boot, 1); // above its sibling ram, whose priority is 0

const bank = MemoryRegion.alias('bank', ram, 0x4000, 0x1000);
system.addSubregion(0x1_0000, bank); // the same bytes a second time
console.log(printFlatViews([space]).trim());

transaction(() => {
  boot.setEnabled(false); // what lies beneath shows again
  bank.setAliasOffset(0x5000);
});

const state = new SharedArrayBuffer(4);
const module = new URL('./counter.ts', import.meta.url);
const counter = MemoryRegion.io('counter', 0x1000, localDevice(module, { state, lock: 'own' }));
system.addSubregion(0x2_0000, counter);

const program = new URL('./guest.ts', import.meta.url);
const vcpus = [1, 2].map(() => machine.startVcpu({ program, data: 10_000 }));
for (const vcpu of vcpus) await vcpu.started;
for (let change = 0; change < 100; change += 1) boot.setEnabled(change % 2 === 0);
await machine.synchronize(); // every vCPU has taken the last of these layouts, or is asleep

const turns = await Promise.all(vcpus.map(({ finished }) => finished));
console.log('turns', turns, 'in RAM', memory.read(0x200, 4), 'in the device', memory.read(0x2_0000, 4));
await machine.close();
