/**
 * Writes to devices under the shared lock, under their own and without one, counts what it wrote, and checks its map in between.
 * After each round the vCPUs wait for each other: one that still sleeps on a lock has nobody to come after it.
 */
import { MEMTX_OK } from '../../src/base/mem-tx-result.ts';
import { ROUND, wordFor } from '../handshake.ts';
import { spin, stressProgram, type UnderStress } from '../vcpu-side.ts';
import { LayoutChecker } from './layout-checker.ts';

export interface LockJob {
  readonly seed: number;
  /** Addresses of the devices, and the word where it counts its writes to each. */
  readonly devices: readonly (readonly [address: number, count: number])[];
  readonly vcpuCount: number;
}

export default stressProgram<LockJob>((under) => {
  const { vcpu, random, job, lane, words, orders } = under;
  const checker = new LayoutChecker(under);
  const pass = (): boolean => {
    const floor = checker.floor();
    if (!vcpu.checkpoint()) return false;
    checker.took(floor);
    return true;
  };
  for (let round = 1; ; round += 1) {
    lane.at(1);
    if (!pass()) return;
    for (let writes = random.below(50); writes > 0; writes -= 1) {
      for (const [address, count] of job.devices) write(under, checker, address, count);
      if (random.below(4) === 0) spin(random.below(2000));
    }
    checker.probe(10);
    Atomics.store(words, wordFor(orders.number, ROUND), round);
    for (let other = 0; other < job.vcpuCount; other += 1) {
      while (Atomics.load(words, wordFor(other, ROUND)) < round) if (!pass()) return;
    }
  }
});

function write(under: UnderStress<LockJob>, checker: LayoutChecker, address: number, count: number): void {
  const { vcpu, lane, words, orders } = under;
  lane.at(address);
  const floor = checker.tag;
  vcpu.memory.write(address, 4, 1);
  if (vcpu.memory.result !== MEMTX_OK)
    lane.violation(`vCPU ${vcpu.id}: a device write gave ${vcpu.memory.result}`);
  Atomics.add(words, wordFor(orders.number, count), 1);
  checker.took(floor); // who had to wait for the lock is on a newer layout now
  checker.probe(1);
}
