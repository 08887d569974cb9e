/** What a program can do where only the package lies, none of its dependencies: dev/check-package.ts runs it there. */
import { Machine, MemoryRegion, printMtree } from 'flatview';
import 'flatview/vcpu';

const machine = new Machine();
const system = MemoryRegion.container('system', 2n ** 64n);
system.addSubregion(0, MemoryRegion.ram('ram', 0x1000));
const space = machine.addAddressSpace('memory', system);
const memory = machine.memory(space);
memory.store32(0, 0x10, 42);
console.log(printMtree([space]), memory.load32(0, 0x10));
await machine.close();
