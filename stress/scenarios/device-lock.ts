/** A device that counts without atomics, under the shared lock and, for comparison, without. */
import { localDevice } from '../../src/base/device-binding.ts';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import { sharedWords } from '../bed.ts';
import { MET, WRITES } from '../devices/lock-counter.ts';
import { COUNT, COUNT_MORE, handshakeWords, wordFor } from '../handshake.ts';
import type { LockJob } from '../programs/lock-writer.ts';
import type { Scenario } from '../scenario.ts';
import { ShuffledMachine } from '../shuffled-machine.ts';

const program = new URL('../programs/lock-writer.ts', import.meta.url);
const deviceModule = new URL('../devices/lock-counter.ts', import.meta.url);
const LOCKED = 0x8000_0000;
const PARALLEL = 0x8000_1000;
/** Loads that a write takes: longer than a vCPU spins for the lock, so that many come to sleep. */
const LINGER = 1500;

export const deviceLock: Scenario = {
  name: 'device-lock',
  property: 'one vCPU at a time is in a device under the shared lock: a count by load and store is exact',
  seconds: 4,
  async run(bed) {
    bed.open();
    const words = sharedWords(handshakeWords(bed.vcpuCount));
    const layouts = new ShuffledMachine(bed, words);
    const counter = (lock: 'shared' | 'none', address: number): Int32Array => {
      const state = new SharedArrayBuffer(16);
      const device = localDevice(deviceModule, { state, lock, data: LINGER });
      layouts.root.addSubregion(address, MemoryRegion.io(`counter, lock ${lock}`, 4096, device));
      return new Int32Array(state);
    };
    const locked = counter('shared', LOCKED);
    const parallel = counter('none', PARALLEL);
    const job: LockJob = { seed: bed.seed, locked: LOCKED, parallel: PARALLEL, vcpuCount: bed.vcpuCount };
    const vcpus = Array.from({ length: bed.vcpuCount }, () => bed.start(program, job, { words }));
    await bed.up();
    const progress = bed.watch('writes to the locked device', () => Atomics.load(locked, WRITES));
    while (!bed.timeIsUp && Atomics.load(locked, MET) === 0) {
      await layouts.next();
      progress();
    }
    if (bed.violationCount === 0) await bed.allGoOn('every vCPU to get the lock', vcpus); // none sleeps on
    await bed.stopVcpus();
    const written = (count: number): number =>
      vcpus.reduce((sum, { number }) => sum + Atomics.load(words, wordFor(number, count)), 0);
    const [exact, loose] = [written(COUNT), written(COUNT_MORE)];
    if (locked[WRITES] !== exact)
      bed.violation(`${exact} writes under the lock were counted as ${locked[WRITES]}`);
    if (locked[MET] !== 0) bed.violation(`${locked[MET]} writes under the lock met another vCPU inside`);
    return `${exact} writes under the lock; without it ${loose - parallel[WRITES]!} of ${loose} were lost`;
  },
};
