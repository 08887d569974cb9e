/** A coalesced device in the control thread that several vCPUs write, and read after each other's writes. */
import { controlDevice } from '../../src/base/device-binding.ts';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import { pause, sharedWords } from '../bed.ts';
import { COUNT, handshakeWords, wordFor } from '../handshake.ts';
import { type CoalescedJob, REGISTER_BYTES } from '../programs/coalesced-writer.ts';
import type { Scenario } from '../scenario.ts';

const program = new URL('../programs/coalesced-writer.ts', import.meta.url);
const ADDRESS = 0x8000_0000;

export const coalescedOrder: Scenario = {
  name: 'coalesced-order',
  property: 'coalesced writes are done once, in order, and before any access that could observe them',
  seconds: 4,
  async run(bed) {
    const machine = bed.open();
    const last = Array.from({ length: bed.vcpuCount }, () => 0);
    const device = controlDevice({
      read: (offset) => last[offset / REGISTER_BYTES]!,
      write: (offset, value) => {
        const number = offset / REGISTER_BYTES;
        if (value !== last[number]! + 1)
          bed.violation(`write ${value} of vCPU ${number} came after its write ${last[number]}`);
        last[number] = value;
      },
    });
    const region = MemoryRegion.io('coalesced', 4096, device);
    region.coalescing.setCoalescing();
    const root = MemoryRegion.container('root', 2n ** 64n);
    root.addSubregion(ADDRESS, region);
    machine.addAddressSpace('memory', root);
    const words = sharedWords(handshakeWords(bed.vcpuCount));
    const job: CoalescedJob = { address: ADDRESS, vcpus: bed.vcpuCount };
    const vcpus = Array.from({ length: bed.vcpuCount }, () => bed.start(program, job, { words }));
    await bed.up();
    const progress = bed.watch('coalesced writes', () => bed.operations);
    while (!bed.timeIsUp) {
      await pause(5);
      progress();
    }
    await bed.stopVcpus();
    await bed.bounded('flushCoalesced()', machine.flushCoalesced());
    const written = vcpus.map(({ number }) => Atomics.load(words, wordFor(number, COUNT)));
    for (const [number, count] of written.entries()) {
      if (last[number] !== count)
        bed.violation(`of ${count} writes of vCPU ${number} ${last[number]} were done`);
    }
    return `${written.reduce((sum, count) => sum + count, 0)} writes of ${bed.vcpuCount} vCPUs`;
  },
};
