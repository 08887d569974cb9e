/** Writes to a device under the shared lock and to one without, counts what it wrote, and checks its map in between. */
import { MEMTX_OK } from '../../src/base/mem-tx-result.ts';
import { COUNT, COUNT_MORE, wordFor } from '../handshake.ts';
import { spin, stressProgram, type UnderStress } from '../vcpu-side.ts';
import { LayoutChecker } from './layout-checker.ts';

export interface LockJob {
  readonly seed: number;
  readonly locked: number;
  readonly parallel: number;
}

export default stressProgram<LockJob>((under) => {
  const { vcpu, random, job, lane } = under;
  const checker = new LayoutChecker(under);
  for (;;) {
    const floor = checker.floor();
    lane.at(1);
    if (!vcpu.checkpoint()) return;
    checker.took(floor);
    for (let writes = random.below(50); writes > 0; writes -= 1) {
      write(under, checker, job.locked, COUNT);
      write(under, checker, job.parallel, COUNT_MORE);
      if (random.below(4) === 0) spin(random.below(2000));
    }
    checker.probe(10);
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
