/** Far more vCPUs than cores, on windows and devices of every kind: whoever waits is often not the one who runs. */
import { sharedWords } from '../bed.ts';
import { mapDevices } from '../device-park.ts';
import { COUNT, handshakeWords, wordFor } from '../handshake.ts';
import type { Scenario } from '../scenario.ts';
import { ShuffledMachine } from '../shuffled-machine.ts';

const program = new URL('../programs/survivor.ts', import.meta.url);
const VCPUS = 32;
/** Loads in a write to a locked device. */
const LINGER = 300;
const LAYOUTS_A_ROUND = 10;

export const crowded: Scenario = {
  name: 'crowded',
  property: `${VCPUS} vCPUs on few cores: all go on, grace periods end, and every access is answered by one layout`,
  seconds: 5,
  async run(bed) {
    const machine = bed.open();
    const layouts = new ShuffledMachine(bed, sharedWords(handshakeWords(VCPUS)));
    const { job, log } = await mapDevices(bed, layouts, LINGER);
    const vcpus = Array.from({ length: Math.max(VCPUS, bed.vcpuCount) }, () =>
      bed.start(program, job, { words: layouts.words }),
    );
    await bed.up();
    let rounds = 0;
    for (; !bed.timeIsUp; rounds += 1) {
      for (let more = LAYOUTS_A_ROUND; more > 0; more -= 1) await layouts.next();
      await bed.graceful('a grace period of many vCPUs');
      await bed.allGoOn('every one of many vCPUs to go on', vcpus);
    }
    await bed.stopVcpus();
    await bed.bounded('the replay of what was queued', machine.flushCoalesced());
    for (const { number } of vcpus) log.judge(number, Atomics.load(layouts.words, wordFor(number, COUNT)));
    return `${vcpus.length} vCPUs, ${layouts.tag} layouts in ${rounds} rounds`;
  },
};
