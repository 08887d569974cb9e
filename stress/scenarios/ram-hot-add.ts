/** RAM regions, also larger than the reserve, are added, used at once, removed under access, and their bytes given away. */
import { MemoryRegion } from '../../src/model/memory-region.ts';
import { sharedWords } from '../bed.ts';
import { filledPages, HotPlug, type PluggedRam, RESERVE_BYTES, ramWordOf, slotAddress } from '../hot-plug.ts';
import type { HotRamJob } from '../programs/hot-ram.ts';
import type { Scenario } from '../scenario.ts';
import { LATEST, SHUFFLE_WORDS } from '../shuffle.ts';

const program = new URL('../programs/hot-ram.ts', import.meta.url);
/** Regions whose bytes wait for a grace period, at most. */
const RELEASES_MAX = 8;

function pattern(ram: PluggedRam, page: number): Uint8Array {
  const words = new Int32Array(1024);
  for (let index = 0; index < words.length; index += 1) words[index] = ramWordOf(ram.step, page + 4 * index);
  return new Uint8Array(words.buffer);
}

export const ramHotAdd: Scenario = {
  name: 'ram-hot-add',
  property:
    'RAM that was added is usable at once with its content; what was removed is neither seen nor used again early',
  seconds: 4,
  async run(bed) {
    const machine = bed.open({ ramReserveBytes: RESERVE_BYTES });
    const root = MemoryRegion.container('root', 2n ** 64n);
    machine.addAddressSpace('memory', root);
    const words = sharedWords(SHUFFLE_WORDS);
    const job: HotRamJob = { seed: bed.seed };
    for (let vcpu = 0; vcpu < bed.vcpuCount; vcpu += 1) bed.start(program, job, { words });
    await bed.up();
    const plug = new HotPlug(bed.seed);
    const regions = new Map<PluggedRam, MemoryRegion>();
    let releases: Promise<void>[] = [];
    const remove = async (ram: PluggedRam): Promise<void> => {
      const region = regions.get(ram)!;
      regions.delete(ram);
      await bed.commit(() => root.delSubregion(region));
      releases.push(machine.releaseRam(region));
    };
    while (!bed.timeIsUp) {
      const { was, is } = plug.next();
      machine.layoutTag = plug.step;
      if (was !== null) await remove(was);
      if (is !== null) {
        const region = MemoryRegion.ram(`ram ${is.step}`, is.sizeBytes);
        for (const page of filledPages(is)) machine.writeRam(region, page, pattern(is, page));
        regions.set(is, region);
        await bed.commit(() => root.addSubregion(slotAddress(is.slot), region));
      }
      Atomics.store(words, LATEST, plug.step);
      if (releases.length < RELEASES_MAX) continue;
      await bed.bounded('release of RAM', Promise.all(releases));
      releases = [];
    }
    await bed.stopVcpus();
    for (const ram of [...regions.keys()]) await remove(ram);
    await bed.bounded('release of the last RAM', Promise.all(releases));
    const { ramReservedBytes } = machine.gauges;
    if (ramReservedBytes !== RESERVE_BYTES) {
      bed.violation(
        `${ramReservedBytes - RESERVE_BYTES} bytes of RAM are left though all of it was released`,
      );
    }
    return `${plug.step} regions added or removed`;
  },
};
