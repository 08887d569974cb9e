/** Views are replaced as fast as the control thread can; every access of every vCPU is checked. */
import { sharedWords } from '../bed.ts';
import type { ShuffleJob } from '../programs/shuffle-reader.ts';
import type { Scenario } from '../scenario.ts';
import { SHUFFLE_WORDS } from '../shuffle.ts';
import { ShuffledMachine } from '../shuffled-machine.ts';

const program = new URL('../programs/shuffle-reader.ts', import.meta.url);

export const useAfterReclaim: Scenario = {
  name: 'use-after-reclaim',
  property:
    'every access is answered by one layout between the last checkpoint and now, never by what was reclaimed',
  seconds: 5,
  async run(bed) {
    const reclaimed = { views: 0 };
    bed.open({ onReclaimed: () => void (reclaimed.views += 1) });
    const words = sharedWords(SHUFFLE_WORDS);
    const layouts = new ShuffledMachine(bed, words);
    const job: ShuffleJob = { seed: bed.seed };
    for (let vcpu = 0; vcpu < bed.vcpuCount; vcpu += 1) bed.start(program, job, { words });
    await bed.up();
    while (!bed.timeIsUp) await layouts.next();
    await bed.graceful('a grace period after the last layout');
    if (reclaimed.views === 0) bed.violation('no view was ever reclaimed under the readers');
    return `${layouts.tag} layouts, ${reclaimed.views} views reclaimed under ${bed.vcpuCount} readers`;
  },
};
