/** vCPUs are killed wherever they are: in read sections, in homed accesses, holding a device lock, asleep. */
import {
  controlDevice,
  type DeviceBinding,
  type DeviceLocking,
  hostedDevice,
  localDevice,
} from '../../src/base/device-binding.ts';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import { type Bed, pause, sharedWords } from '../bed.ts';
import { HOMED_ANSWER } from '../programs/survivor.ts';
import { VICTIM_KINDS, type VictimJob } from '../programs/victim.ts';
import type { Scenario } from '../scenario.ts';
import { SHUFFLE_WORDS } from '../shuffle.ts';
import { ShuffledMachine } from '../shuffled-machine.ts';

const victim = new URL('../programs/victim.ts', import.meta.url);
const survivor = new URL('../programs/survivor.ts', import.meta.url);
const lockModule = new URL('../devices/lock-counter.ts', import.meta.url);
const hostedModule = new URL('../devices/echo.ts', import.meta.url);
const HOMED = 0x8000_0000;
const LOCKED = 0x8000_1000;
const OWN_LOCKED = 0x8000_2000;
const HOSTED = 0x8000_3000;
/** Milliseconds that a victim has, at most, from when it is up. */
const LIFE_MS = 8;
/** Loads in a write to a locked device: most of a victim's time, so most are killed holding the lock. */
const LINGER = 3000;

async function mapDevices(bed: Bed, layouts: ShuffledMachine): Promise<Omit<VictimJob, 'what'>> {
  const { root } = layouts;
  const host = await bed.bounded('start of the device host', bed.machine.startDeviceHost(), 60_000);
  const counter = (lock: DeviceLocking): DeviceBinding =>
    localDevice(lockModule, { state: new SharedArrayBuffer(16), data: LINGER, lock });
  const homed = controlDevice({ read: () => HOMED_ANSWER, write: () => {} });
  root.addSubregion(HOMED, MemoryRegion.io('homed', 4096, homed));
  root.addSubregion(LOCKED, MemoryRegion.io('locked', 4096, counter('shared')));
  root.addSubregion(OWN_LOCKED, MemoryRegion.io('under its own lock', 4096, counter('own')));
  root.addSubregion(HOSTED, MemoryRegion.io('hosted', 4096, hostedDevice(host, hostedModule)));
  return { seed: bed.seed, homed: HOMED, hosted: HOSTED, locked: LOCKED, ownLocked: OWN_LOCKED };
}

/** The life of one victim, and what must hold after it. */
async function killOne(
  bed: Bed,
  layouts: ShuffledMachine,
  job: VictimJob,
  slots: Set<number>,
): Promise<void> {
  const { handle } = bed.start(victim, job, { words: layouts.words, mayFail: true });
  slots.add(handle.id);
  let isUp = false;
  void handle.started.then(() => {
    isUp = true;
  });
  while (!isUp) {
    await layouts.next();
    await pause(1); // its thread needs a core to come up
  }
  const untilMs = performance.now() + bed.random.below(LIFE_MS);
  while (performance.now() < untilMs) await layouts.next();
  bed.fault(`kills vCPU ${handle.id} in '${job.what}'`);
  await bed.bounded(`the end of a victim killed in '${job.what}'`, handle.terminate());
  await layouts.next();
  await bed.graceful(`a grace period after a vCPU was killed in '${job.what}'`);
}

export const killedReaders: Scenario = {
  name: 'killed-readers',
  property:
    'a vCPU that is killed, wherever it was, holds up nothing: grace periods, the locks, its slot, the others',
  seconds: 6,
  async run(bed) {
    const survivors = Math.max(1, bed.vcpuCount - 1);
    const machine = bed.open({ vcpuSlots: survivors + 2 });
    const layouts = new ShuffledMachine(bed, sharedWords(SHUFFLE_WORDS));
    const job = await mapDevices(bed, layouts);
    const others = Array.from({ length: survivors }, () =>
      bed.start(survivor, job, { words: layouts.words }),
    );
    await bed.up();
    const slots = new Set<number>();
    let kills = 0;
    for (; !bed.timeIsUp; kills += 1) {
      const what = VICTIM_KINDS[kills % VICTIM_KINDS.length]!;
      await killOne(bed, layouts, { ...job, what }, slots);
      await bed.allGoOn(`the others to go on after a vCPU was killed in '${what}'`, others);
      if (machine.vcpus.length !== survivors)
        bed.violation(`${machine.vcpus.length} vCPUs run, not ${survivors}`);
    }
    if (kills > 2 && slots.size === kills)
      bed.violation(`${kills} vCPUs were killed and no slot was used again`);
    return `${kills} vCPUs killed in ${slots.size} slots, ${layouts.tag} layouts`;
  },
};
