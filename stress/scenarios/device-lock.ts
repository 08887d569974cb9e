/** Devices that count without atomics, under the shared lock, under their own and, for comparison, under none. */
import { type DeviceLocking, localDevice } from '../../src/base/device-binding.ts';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import { sharedWords } from '../bed.ts';
import { MET, WRITES } from '../devices/lock-counter.ts';
import { COUNT, COUNT_MORE, COUNT_MOST, handshakeWords, wordFor } from '../handshake.ts';
import type { LockJob } from '../programs/lock-writer.ts';
import type { Scenario } from '../scenario.ts';
import { ShuffledMachine } from '../shuffled-machine.ts';

const program = new URL('../programs/lock-writer.ts', import.meta.url);
const deviceModule = new URL('../devices/lock-counter.ts', import.meta.url);
/** By its lock: a device's address, and the word where a vCPU counts its writes to it. */
const SHARED = [0x8000_0000, COUNT] as const;
const OWN = [0x8000_1000, COUNT_MORE] as const;
const PARALLEL = [0x8000_2000, COUNT_MOST] as const;
/** Loads that a write takes: longer than a vCPU spins for a lock, so that many come to sleep. */
const LINGER = 1500;

export const deviceLock: Scenario = {
  name: 'device-lock',
  property:
    'one vCPU at a time is in a device under a lock, shared or its own: a count by load and store is exact',
  seconds: 4,
  async run(bed) {
    bed.open();
    const words = sharedWords(handshakeWords(bed.vcpuCount));
    const layouts = new ShuffledMachine(bed, words);
    const counter = (lock: DeviceLocking, [address]: readonly [number, number]): Int32Array => {
      const state = new SharedArrayBuffer(16);
      const device = localDevice(deviceModule, { state, lock, data: LINGER });
      layouts.root.addSubregion(address, MemoryRegion.io(`counter, lock ${lock}`, 4096, device));
      return new Int32Array(state);
    };
    const shared = counter('shared', SHARED);
    const own = counter('own', OWN);
    const parallel = counter('none', PARALLEL);
    const job: LockJob = { seed: bed.seed, devices: [SHARED, OWN, PARALLEL], vcpuCount: bed.vcpuCount };
    const vcpus = Array.from({ length: bed.vcpuCount }, () => bed.start(program, job, { words }));
    await bed.up();
    const progress = bed.watch('writes to the locked devices', () => Atomics.load(own, WRITES));
    while (!bed.timeIsUp && Atomics.load(shared, MET) === 0 && Atomics.load(own, MET) === 0) {
      await layouts.next();
      progress();
    }
    if (bed.violationCount === 0) await bed.allGoOn('every vCPU to get the locks', vcpus); // none sleeps on
    await bed.stopVcpus();
    const written = ([, count]: readonly [number, number]): number =>
      vcpus.reduce((sum, { number }) => sum + Atomics.load(words, wordFor(number, count)), 0);
    const judge = (lock: string, state: Int32Array, exact: number): void => {
      if (state[WRITES] !== exact)
        bed.violation(`${exact} writes under the ${lock} lock were counted as ${state[WRITES]}`);
      if (state[MET] !== 0)
        bed.violation(`${state[MET]} writes under the ${lock} lock met another vCPU inside`);
    };
    judge('shared', shared, written(SHARED));
    judge('own', own, written(OWN));
    const loose = written(PARALLEL);
    return `${written(SHARED)} + ${written(OWN)} writes under locks; without ${loose - parallel[WRITES]!} of ${loose} were lost`;
  },
};
