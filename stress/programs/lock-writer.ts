/**
 * Writes to a device under the shared lock and to one without, counts what it wrote, and checks its map in between.
 * After each round the vCPUs wait for each other: one that still sleeps on the lock has nobody to come after it.
 */
import { MEMTX_OK } from '../../src/base/mem-tx-result.ts';
import { COUNT, COUNT_MORE, ROUND, wordFor } from '../handshake.ts';
import { spin, stressProgram, type UnderStress } from '../vcpu-side.ts';
import { LayoutChecker } from './layout-checker.ts';

export interface LockJob {
  readonly seed: number;
  readonly locked: number;
  readonly parallel: number;
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
      write(under, checker, job.locked, COUNT);
      write(under, checker, job.parallel, COUNT_MORE);
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
