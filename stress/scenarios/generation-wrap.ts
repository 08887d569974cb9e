/** Generations, deltas, versions and posts start shortly before they pass 2^31 or 2^32; views are replaced meanwhile. */
import { WORD_DELTA_COUNT, WORD_GENERATION, WORD_POSTS } from '../../src/layout/control-block.ts';
import type { Publisher } from '../../src/publish/publisher.ts';
import type { AttachmentHub } from '../../src/service/attachment-hub.ts';
import { type Bed, sharedWords } from '../bed.ts';
import type { ShuffleJob } from '../programs/shuffle-reader.ts';
import type { Scenario } from '../scenario.ts';
import { SHUFFLE_WORDS } from '../shuffle.ts';
import { ShuffledMachine } from '../shuffled-machine.ts';

const program = new URL('../programs/shuffle-reader.ts', import.meta.url);
/** Steps from the start to the border, and publications past it. */
const STEPS_BEFORE = 150;
const LAYOUTS = 600;
/** Last odd numbers below the borders, as int32. */
const BORDERS = [2 ** 31 - 1, -1];

interface MachineInside {
  readonly publisher: Publisher;
  readonly hub: AttachmentHub;
}

/** Before any reader is there: nobody has an older number. */
function startNear(bed: Bed, border: number): Int32Array {
  const { machine } = bed;
  const { publisher, hub } = machine as unknown as MachineInside;
  const control = new Int32Array(machine.shared.control);
  const start = (border - 2 * STEPS_BEFORE) | 0;
  Atomics.store(control, WORD_GENERATION, start);
  Object.assign((publisher as unknown as { deltas: object }).deltas, { count: start });
  Atomics.store(control, WORD_DELTA_COUNT, start);
  Object.assign(publisher.store, { version: start });
  Object.assign(hub, { posts: start });
  Atomics.store(control, WORD_POSTS, start);
  return control;
}

async function pass(bed: Bed, border: number): Promise<boolean> {
  let reclaimed = 0;
  const machine = bed.open({ onReclaimed: () => void (reclaimed += 1) });
  const control = startNear(bed, border);
  const words = sharedWords(SHUFFLE_WORDS);
  const layouts = new ShuffledMachine(bed, words);
  const job: ShuffleJob = { seed: bed.seed };
  const vcpus = Array.from({ length: bed.vcpuCount }, () => bed.start(program, job, { words }));
  await bed.up();
  while (!bed.timeIsUp && layouts.tag < LAYOUTS) await layouts.next();
  const hasPassed = ((Atomics.load(control, WORD_GENERATION) - border) | 0) > 0;
  await bed.allGoOn('every vCPU to go on past the border', vcpus);
  await bed.graceful('a grace period past the border');
  const { retiredBytes } = machine.gauges;
  if (retiredBytes !== 0)
    bed.violation(`${retiredBytes} bytes are still retired after the border ${border} was passed`);
  if (reclaimed === 0) bed.violation(`nothing was reclaimed around the border ${border}`);
  return hasPassed;
}

export const generationWrap: Scenario = {
  name: 'generation-wrap',
  property:
    'generations, deltas and versions that pass 2^31 or 2^32 free nothing early and hold nothing for ever',
  seconds: 5,
  async run(bed) {
    let passes = 0;
    for (let turn = bed.random.below(2); !bed.timeIsUp; turn += 1) {
      if (passes > 0) await bed.stopVcpus();
      if (await pass(bed, BORDERS[turn % 2]!)) passes += 1;
    }
    return `${passes} borders passed`;
  },
};
