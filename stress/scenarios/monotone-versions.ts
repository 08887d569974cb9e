/** Two address spaces that change in the same transactions; vCPUs that look at both, in and out of read sections. */
import { MemoryRegion } from '../../src/model/memory-region.ts';
import { sharedWords } from '../bed.ts';
import type { ShuffleJob } from '../programs/shuffle-reader.ts';
import type { Scenario } from '../scenario.ts';
import { SHUFFLE_WORDS } from '../shuffle.ts';
import { ShuffledMachine } from '../shuffled-machine.ts';

const program = new URL('../programs/section-reader.ts', import.meta.url);
/** Far above everything that is probed: it keeps the second address space from sharing the first one's view. */
const FAR = 2n ** 60n;

export const monotoneVersions: Scenario = {
  name: 'monotone-versions',
  property: "a vCPU's layouts never go back, in any address space, and do not change inside a read section",
  seconds: 4,
  async run(bed) {
    const machine = bed.open();
    const words = sharedWords(SHUFFLE_WORDS);
    const layouts = new ShuffledMachine(bed, words);
    const second = MemoryRegion.container('second root', 2n ** 64n);
    second.addSubregion(0, MemoryRegion.alias('first', layouts.root, 0, FAR));
    second.addSubregion(FAR, MemoryRegion.ram('far', 4096));
    machine.addAddressSpace('second', second);
    const job: ShuffleJob = { seed: bed.seed };
    for (let vcpu = 0; vcpu < bed.vcpuCount; vcpu += 1) {
      bed.start(program, job, { words, addressSpaces: ['memory', 'second'] });
    }
    await bed.up();
    while (!bed.timeIsUp) await layouts.next();
    return `${layouts.tag} layouts of two address spaces`;
  },
};
