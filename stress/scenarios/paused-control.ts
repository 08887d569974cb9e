/**
 * The control thread stands still for up to seconds, in the midst of publications: vCPUs that need nothing of it go on,
 * those that wait for it wait, and all that was put off is done afterwards.
 */
import { controlDevice, hostedDevice } from '../../src/base/device-binding.ts';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import { type Bed, type StartedVcpu, sharedWords } from '../bed.ts';
import tally from '../devices/tally.ts';
import type { ShuffleJob } from '../programs/shuffle-reader.ts';
import type { WokenJob } from '../programs/woken.ts';
import type { Scenario } from '../scenario.ts';
import { SHUFFLE_WORDS } from '../shuffle.ts';
import { ShuffledMachine } from '../shuffled-machine.ts';

const reader = new URL('../programs/shuffle-reader.ts', import.meta.url);
const counter = new URL('../programs/woken.ts', import.meta.url);
const tallyModule = new URL('../devices/tally.ts', import.meta.url);
const HOMED = 0x8000_0000;
const HOSTED = 0x8000_1000;
const STANDSTILL_MS_MAX = 2000;
const LAYOUTS_MAX = 30;
/** Of what is in the control thread a vCPU has done one access at most since it stood still: its last was answered. */
const HOMED_READS_MAX = 1;

interface Vcpus {
  /** They use RAM only, or a device in a worker. */
  readonly free: readonly StartedVcpu[];
  /** It uses a device in the control thread. */
  readonly bound: StartedVcpu;
}

async function start(bed: Bed, layouts: ShuffledMachine): Promise<Vcpus> {
  const { machine } = bed;
  const { words, root } = layouts;
  const host = await bed.bounded('start of the device host', machine.startDeviceHost(), 60_000);
  root.addSubregion(HOMED, MemoryRegion.io('homed', 4096, controlDevice(tally())));
  root.addSubregion(HOSTED, MemoryRegion.io('hosted', 4096, hostedDevice(host, tallyModule)));
  const counting = (register: number): StartedVcpu =>
    bed.start(counter, { register } satisfies WokenJob, { words });
  const bound = counting(HOMED);
  const job: ShuffleJob = { seed: bed.seed };
  const free = [counting(HOSTED)];
  while (free.length + 1 < Math.max(3, bed.vcpuCount)) free.push(bed.start(reader, job, { words }));
  return { free, bound };
}

/** Nothing of this thread runs for that long. */
function standStill(ms: number): void {
  Atomics.wait(sharedWords(1), 0, 0, ms);
}

/** Stands still until all that are free have gone on, or for far too long. Returns for how long. */
function standStillUntil(ms: number, haveGoneOn: () => boolean): number {
  const sinceMs = performance.now();
  do standStill(ms);
  while (!haveGoneOn() && performance.now() - sinceMs < 4 * STANDSTILL_MS_MAX);
  return Math.round(performance.now() - sinceMs);
}

export const pausedControl: Scenario = {
  name: 'paused-control',
  property:
    'while the control thread stands still vCPUs go on, and nothing is lost: what waited for it is done afterwards',
  seconds: 5,
  async run(bed) {
    const machine = bed.open();
    const layouts = new ShuffledMachine(bed, sharedWords(SHUFFLE_WORDS));
    const { free, bound } = await start(bed, layouts);
    await bed.up();
    const all = [...free, bound];
    let stoodMs = 0;
    let rounds = 0;
    for (; !bed.timeIsUp; rounds += 1) {
      for (let more = 1 + bed.random.below(LAYOUTS_MAX); more > 0; more -= 1) await layouts.next();
      const before = free.map(({ lane }) => lane.operations);
      const boundBefore = bound.lane.operations;
      bed.fault('the control thread stands still');
      stoodMs += standStillUntil(50 + bed.random.below(STANDSTILL_MS_MAX), () =>
        free.every(({ lane }, index) => lane.operations > before[index]! + 1),
      );
      for (const [index, { handle, lane }] of free.entries()) {
        if (lane.operations <= before[index]! + 1)
          bed.violation(`vCPU ${handle.id} stood still with the control thread`);
      }
      const done = bound.lane.operations - boundBefore;
      if (done > HOMED_READS_MAX)
        bed.violation(`${done} accesses to the control thread were answered while it stood still`);
      await bed.allGoOn('every vCPU to go on after the control thread stood still', all);
      await bed.graceful('a grace period after the control thread stood still');
      const { retiredBytes } = machine.gauges;
      if (retiredBytes !== 0) bed.violation(`${retiredBytes} bytes are still retired after a grace period`);
      bed.checked();
    }
    return `${rounds} times ${Math.round(stoodMs / Math.max(1, rounds))} ms, ${layouts.tag} layouts`;
  },
};
