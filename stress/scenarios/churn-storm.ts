/** Ten thousand regions, dozens of which change in each transaction; vCPUs read all over them. */
import { MemoryRegion } from '../../src/model/memory-region.ts';
import { transaction } from '../../src/model/transaction.ts';
import { type Bed, sharedWords } from '../bed.ts';
import type { ShuffleJob } from '../programs/shuffle-reader.ts';
import type { Scenario } from '../scenario.ts';
import { INTENT, LATEST, SHUFFLE_WORDS, wordOf } from '../shuffle.ts';
import { STORM_EVERY, STORM_OFF, STORM_PAGES, STORM_REGIONS, stormAddress, stormPage } from '../storm.ts';

const program = new URL('../programs/storm-reader.ts', import.meta.url);
const PAGE_BYTES = 4096;

function windowsOf(bed: Bed, root: MemoryRegion): readonly MemoryRegion[] {
  const ram = MemoryRegion.ram('pages', STORM_PAGES * PAGE_BYTES);
  const content = Int32Array.from({ length: STORM_PAGES * 1024 }, (_, index) =>
    wordOf(index >> 10, (index & 1023) << 2),
  );
  bed.machine.writeRam(ram, 0, new Uint8Array(content.buffer));
  return transaction(() =>
    Array.from({ length: STORM_REGIONS }, (_, region) => {
      const page = stormPage(bed.seed, 0, region);
      const enabled = page !== STORM_OFF;
      const offset = enabled ? page * PAGE_BYTES : 0;
      const window = MemoryRegion.alias(`region ${region}`, ram, offset, PAGE_BYTES, { enabled });
      root.addSubregion(stormAddress(region), window);
      return window;
    }),
  );
}

export const churnStorm: Scenario = {
  name: 'churn-storm',
  property:
    'with ten thousand regions in churn every access is answered by one whole layout, and no cell is left over',
  seconds: 5,
  async run(bed) {
    const machine = bed.open();
    const root = MemoryRegion.container('root', 2n ** 64n);
    const windows = windowsOf(bed, root);
    const space = machine.addAddressSpace('memory', root);
    const words = sharedWords(SHUFFLE_WORDS);
    const job: ShuffleJob = { seed: bed.seed };
    for (let vcpu = 0; vcpu < bed.vcpuCount; vcpu += 1) bed.start(program, job, { words });
    await bed.up();
    let tag = 0;
    const change = (): void => {
      for (let region = (2 ** 31 - tag) % STORM_EVERY; region < STORM_REGIONS; region += STORM_EVERY) {
        const page = stormPage(bed.seed, tag, region);
        windows[region]!.setEnabled(page !== STORM_OFF);
        if (page !== STORM_OFF) windows[region]!.setAliasOffset(page * PAGE_BYTES);
      }
    };
    while (!bed.timeIsUp) {
      tag += 1;
      Atomics.store(words, INTENT, tag);
      machine.layoutTag = tag;
      await bed.commit(change);
      Atomics.store(words, LATEST, tag);
    }
    await bed.stopVcpus();
    await machine.removeAddressSpace(space);
    await bed.graceful('a grace period after the storm');
    const { liveBytes, retiredBytes } = machine.gauges;
    if (retiredBytes !== 0 || liveBytes > PAGE_BYTES)
      bed.violation(`${liveBytes} + ${retiredBytes} bytes of the arena are in use though nothing is shown`);
    return `${tag} layouts of ${STORM_REGIONS} regions`;
  },
};
