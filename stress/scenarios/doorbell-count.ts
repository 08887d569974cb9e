/** Doorbells of several vCPUs, and a consumer that falls asleep between two rings. */
import { controlDevice } from '../../src/base/device-binding.ts';
import { Doorbell } from '../../src/mailbox/doorbell.ts';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import { sharedWords } from '../bed.ts';
import { COUNT, handshakeWords, wordFor } from '../handshake.ts';
import type { RingerJob } from '../programs/doorbell-ringer.ts';
import type { Scenario } from '../scenario.ts';

const program = new URL('../programs/doorbell-ringer.ts', import.meta.url);
const ADDRESS = 0x8000_0000;

export const doorbellCount: Scenario = {
  name: 'doorbell-count',
  property: 'every ring of a doorbell is taken once, and no consumer sleeps through one',
  seconds: 4,
  async run(bed) {
    const machine = bed.open();
    const root = MemoryRegion.container('root', 2n ** 64n);
    const called = (): void => bed.violation('the device was called for a write that rings');
    const device = MemoryRegion.io('notify', 4096, controlDevice({ read: () => 0, write: called }));
    const doorbell = new Doorbell();
    device.eventfds.add({ offset: 0, size: 4, notifier: doorbell });
    root.addSubregion(ADDRESS, device);
    machine.addAddressSpace('memory', root);
    const words = sharedWords(handshakeWords(bed.vcpuCount));
    const job: RingerJob = { address: ADDRESS };
    const vcpus = Array.from({ length: bed.vcpuCount }, () => bed.start(program, job, { words }));
    await bed.up();
    let taken = 0;
    let waits = 0;
    const end = new AbortController(); // or a consumer that hangs keeps the process alive
    try {
      while (!bed.timeIsUp) {
        taken += await bed.bounded('a ring while vCPUs ring', doorbell.next(end.signal));
        waits += 1;
      }
    } finally {
      end.abort();
    }
    await bed.stopVcpus();
    taken += doorbell.take();
    const rung = vcpus.reduce((sum, { number }) => sum + Atomics.load(words, wordFor(number, COUNT)), 0);
    if (taken !== rung) bed.violation(`${rung} rings were taken as ${taken}`);
    return `${rung} rings of ${bed.vcpuCount} vCPUs, taken in ${waits} waits`;
  },
};
