/**
 * pci-bars: a card whose memory the guest finds, sizes, places, and moves while another vCPU uses it.
 *
 *   node --import tsx examples/pci-bars/main.ts
 *
 * The card's two BARs are regions in a container, `pci`, that lies beneath RAM: at a lower priority, so that RAM
 * wins where both are. Configuration space is a device that changes the layout when it is written: it must be
 * homed, for regions belong to the control thread. Each write is one transaction, hence one publication: nobody
 * ever sees the card nowhere, or in two places. The vCPU that wrote sees the change at its very next access, the
 * others at their next checkpoint.
 */
import { controlDevice, Machine, MemoryRegion, printFlatViews } from 'flatview';
import { CONFIG, CONFIG_SIZE } from './guest.ts';
import { PciFunction } from './pci-function.ts';

const ram = MemoryRegion.ram('ram', 0x10_0000);
const pci = MemoryRegion.container('pci', 2n ** 32n);
const system = MemoryRegion.container('system', 2n ** 64n);
system.addSubregion(0, ram);
system.addSubregionOverlap(0, pci, -1);

const bars = [MemoryRegion.ram('card.vram', 0x1_0000), MemoryRegion.ram('card.mailbox', 0x1000)];
const card = new PciFunction(0x1234_5678, pci, bars);
system.addSubregion(CONFIG, MemoryRegion.io('config', CONFIG_SIZE, controlDevice(card)));

const machine = new Machine();
const space = machine.addAddressSpace('memory', system);
try {
  const start = (role: string) =>
    machine.startVcpu({ program: new URL('./guest.ts', import.meta.url), data: role });
  const watcher = start('watcher');
  await watcher.started;
  const mover = start('mover');
  for (const line of (await mover.finished) as string[]) console.log(line);
  await watcher.stop();
  const looks = (await watcher.finished) as { good: number; bad: number };
  console.log(`${looks.good} looks of the other vCPU found it in one place, ${looks.bad} did not`);
  console.log(printFlatViews([space]).trimEnd());
} finally {
  await machine.close();
}
