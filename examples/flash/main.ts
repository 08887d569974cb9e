/**
 * flash: a ROM device. Guests read it as fast as RAM, by no call at all, until they give it a command; then reads
 * ask the device for its status, until the command "read array" brings the bytes back.
 *
 *   node --import tsx examples/flash/main.ts
 *
 * Writes always call the device. Which way reads go is `romd`, a property of the region: to switch it is a change
 * of the layout, so the device is homed in the control thread, where regions are.
 */
import { Machine, MemoryRegion } from 'flatview';
import { Flash } from './flash.ts';
import { FLASH, type FlashRun, TEXT_ADDRESS } from './guest.ts';

const machine = new Machine();
const flash = new Flash(machine, 'flash', 0x1_0000);
const system = MemoryRegion.container('system', 2n ** 64n);
system.addSubregion(FLASH, flash.region);
machine.addAddressSpace('memory', system);
machine.writeRam(flash.region, TEXT_ADDRESS - FLASH, new TextEncoder().encode('what it was delivered with'));
try {
  const vcpu = machine.startVcpu({ program: new URL('./guest.ts', import.meta.url) });
  const { before, after, polls } = (await vcpu.finished) as FlashRun;
  console.log(`before: ${before}\nafter:  ${after}`);
  console.log(`the driver made ${polls} status reads; the flash was called for ${flash.reads} reads in all`);
} finally {
  await machine.close();
}
