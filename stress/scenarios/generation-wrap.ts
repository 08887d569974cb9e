/** Generations, deltas, versions and posts start shortly before they pass 2^31 or 2^32; views are replaced meanwhile. */
import { WORD_DELTA_COUNT, WORD_GENERATION, WORD_POSTS } from '../../src/layout/control-block.ts';
import type { Publisher } from '../../src/publish/publisher.ts';
import type { AttachmentHub } from '../../src/service/attachment-hub.ts';
import { type Bed, pause, sharedWords } from '../bed.ts';
import { ANSWERED, ASKED, handshakeWords, wordFor } from '../handshake.ts';
import type { ShuffleJob } from '../programs/shuffle-reader.ts';
import type { Scenario } from '../scenario.ts';
import { ShuffledMachine } from '../shuffled-machine.ts';

const program = new URL('../programs/silent.ts', import.meta.url);
/** Generations from the start to the border. */
const STEPS_BEFORE = 60;
/** Layouts before a vCPU falls silent, while it is, and after. */
const LAYOUTS_BEFORE = 30;
const LAYOUTS_ACROSS = 60;
const LAYOUTS_AFTER = 60;
const SILENCE_MS = 10;
/** Last odd numbers below the borders, as int32. */
const BORDERS = [2 ** 31 - 1, -1];

interface MachineInside {
  readonly publisher: Publisher;
  readonly buffers: { readonly hub: AttachmentHub };
}

/** Before any reader is there: nobody has an older number. */
function startNear(bed: Bed, border: number): Int32Array {
  const { machine } = bed;
  const { publisher, buffers } = machine as unknown as MachineInside;
  const control = new Int32Array(machine.shared.control);
  const start = (border - 2 * STEPS_BEFORE) | 0;
  Atomics.store(control, WORD_GENERATION, start);
  Object.assign((publisher as unknown as { deltas: object }).deltas, { count: start });
  Atomics.store(control, WORD_DELTA_COUNT, start);
  Object.assign(publisher.store, { version: start });
  Object.assign(buffers.hub, { posts: start });
  Atomics.store(control, WORD_POSTS, start);
  return control;
}

/** Passes a border while one vCPU stays on a layout from before it. @param passes how many there were before */
async function pass(bed: Bed, border: number, passes: number): Promise<void> {
  let reclaimed = 0;
  const machine = bed.open({ onReclaimed: () => void (reclaimed += 1) });
  const control = startNear(bed, border);
  const words = sharedWords(handshakeWords((passes + 1) * bed.vcpuCount));
  const layouts = new ShuffledMachine(bed, words);
  const job: ShuffleJob = { seed: bed.seed };
  const vcpus = Array.from({ length: bed.vcpuCount }, () => bed.start(program, job, { words }));
  await bed.up();
  const publish = async (count: number): Promise<void> => {
    for (let more = count; more > 0; more -= 1) await layouts.next();
  };
  await publish(LAYOUTS_BEFORE);
  const silent = wordFor(bed.random.pick(vcpus).number, ASKED);
  await bed.graceful('a grace period before the border');
  const question = Atomics.add(words, silent, 1) + 1;
  await bed.until('a vCPU to fall silent', () => Atomics.load(words, silent - ASKED + ANSWERED) === question);
  const before = reclaimed;
  await publish(LAYOUTS_ACROSS);
  await pause(SILENCE_MS);
  if (((Atomics.load(control, WORD_GENERATION) - border) | 0) <= 0)
    bed.violation(`the scenario did not reach the border ${border}`);
  if (reclaimed > before)
    bed.violation(
      `${reclaimed - before} views were reclaimed across the border, under a vCPU that stayed before it`,
    );
  Atomics.add(words, silent, 1);
  await publish(LAYOUTS_AFTER);
  await bed.allGoOn('every vCPU to go on past the border', vcpus);
  await bed.graceful('a grace period past the border');
  const { retiredBytes } = machine.gauges;
  if (retiredBytes !== 0)
    bed.violation(`${retiredBytes} bytes are still retired after the border ${border} was passed`);
  if (reclaimed === before) bed.violation(`nothing was reclaimed after the border ${border}`);
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
      await pass(bed, BORDERS[turn % 2]!, passes);
      passes += 1;
    }
    return `${passes} borders passed`;
  },
};
