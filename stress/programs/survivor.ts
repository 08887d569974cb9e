/** Uses windows and devices of each kind, while others are killed beside it. */
import { MEMTX_OK } from '../../src/base/mem-tx-result.ts';
import type { ParkJob } from '../device-park.ts';
import { COUNT, wordFor } from '../handshake.ts';
import { stressProgram } from '../vcpu-side.ts';
import { LayoutChecker } from './layout-checker.ts';

/** What the homed device answers. */
export const HOMED_ANSWER = 0x600d;

export default stressProgram<ParkJob>((under) => {
  const { vcpu, lane, random, job, words, orders } = under;
  const { memory } = vcpu;
  const checker = new LayoutChecker(under);
  let queued = 0;
  for (;;) {
    const floor = checker.floor();
    lane.at(1);
    if (!vcpu.checkpoint()) return;
    checker.took(floor);
    checker.probe(1 + random.below(100));
    lane.at(2);
    for (const locked of [job.locked, job.ownLocked]) {
      memory.write(locked, 4, 1);
      if (memory.result !== MEMTX_OK)
        lane.violation(`vCPU ${vcpu.id}: the locked device at ${locked} gave ${memory.result}`);
    }
    lane.at(3);
    for (let writes = random.below(8); writes > 0; writes -= 1) {
      queued += 1;
      memory.write(job.queued + 4 * orders.number, 4, queued);
      if (memory.result !== MEMTX_OK) lane.violation(`vCPU ${vcpu.id}: a queued write gave ${memory.result}`);
    }
    Atomics.store(words, wordFor(orders.number, COUNT), queued);
    lane.at(4);
    const answer = memory.read(job.homed, 4);
    if (answer !== HOMED_ANSWER || memory.result !== MEMTX_OK) {
      lane.violation(`vCPU ${vcpu.id}: the homed device gave ${answer}, result ${memory.result}`);
    }
    checker.took(checker.tag);
  }
});
