/** vCPUs are killed wherever they are: in read sections, in homed accesses, holding a device lock, queuing, asleep. */
import { isHeldBy, RING_STATE } from '../../src/layout/coalesced-ring.ts';
import type { MemoryRegion } from '../../src/model/memory-region.ts';
import type { DeviceShortcuts } from '../../src/service/device-shortcuts.ts';
import { type Bed, pause, sharedWords } from '../bed.ts';
import { mapDevices } from '../device-park.ts';
import { COUNT, handshakeWords, wordFor } from '../handshake.ts';
import { VICTIM_KINDS, type VictimJob } from '../programs/victim.ts';
import type { Scenario } from '../scenario.ts';
import { ShuffledMachine } from '../shuffled-machine.ts';

const victim = new URL('../programs/victim.ts', import.meta.url);
const survivor = new URL('../programs/survivor.ts', import.meta.url);
/** Milliseconds that a victim has, at most, from when it is up. */
const LIFE_MS = 8;
/** Loads in a write to a locked device: most of a victim's time, so most are killed holding the lock. */
const LINGER = 3000;

/** The life of one victim, and what must hold after it. Returns its slot. */
async function killOne(bed: Bed, layouts: ShuffledMachine, job: VictimJob): Promise<number> {
  const { handle } = bed.start(victim, job, { words: layouts.words, mayFail: true });
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
  return handle.id;
}

function ringIsHeldBy({ machine }: Bed, region: MemoryRegion, slot: number): boolean {
  const { shortcuts } = machine as unknown as { readonly shortcuts: DeviceShortcuts };
  const ring = new Int32Array(shortcuts.coalescing.ringOf(region)!);
  return isHeldBy(Atomics.load(ring, RING_STATE), slot);
}

export const killedReaders: Scenario = {
  name: 'killed-readers',
  property:
    'a vCPU that is killed, wherever it was, holds up nothing: grace periods, locks, rings, its slot, the others',
  seconds: 6,
  async run(bed) {
    const survivors = Math.max(1, bed.vcpuCount - 1);
    const machine = bed.open({ vcpuSlots: survivors + 2 });
    const layouts = new ShuffledMachine(bed, sharedWords(handshakeWords(survivors)));
    const { job, log, queued } = await mapDevices(bed, layouts, LINGER);
    const others = Array.from({ length: survivors }, () =>
      bed.start(survivor, job, { words: layouts.words }),
    );
    await bed.up();
    const slots = new Set<number>();
    let kills = 0;
    for (; !bed.timeIsUp; kills += 1) {
      const what = VICTIM_KINDS[kills % VICTIM_KINDS.length]!;
      const slot = await killOne(bed, layouts, { ...job, what });
      slots.add(slot);
      if (ringIsHeldBy(bed, queued, slot)) bed.violation(`the dead vCPU ${slot} holds a ring`);
      await bed.allGoOn(`the others to go on after a vCPU was killed in '${what}'`, others);
      if (machine.vcpus.length !== survivors)
        bed.violation(`${machine.vcpus.length} vCPUs run, not ${survivors}`);
    }
    await bed.stopVcpus();
    await bed.bounded('the replay of what was queued', machine.flushCoalesced());
    for (const { number } of others) log.judge(number, Atomics.load(layouts.words, wordFor(number, COUNT)));
    if (kills > 2 && slots.size === kills)
      bed.violation(`${kills} vCPUs were killed and no slot was used again`);
    return `${kills} vCPUs killed in ${slots.size} slots, ${layouts.tag} layouts`;
  },
};
