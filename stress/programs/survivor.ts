/** Reads windows and a homed device, writes to a device under the shared lock and to one under its own, while others are killed beside it. */
import { MEMTX_OK } from '../../src/base/mem-tx-result.ts';
import { stressProgram } from '../vcpu-side.ts';
import { LayoutChecker } from './layout-checker.ts';
import type { VictimJob } from './victim.ts';

/** What the homed device answers. */
export const HOMED_ANSWER = 0x600d;

export default stressProgram<VictimJob>((under) => {
  const { vcpu, lane, random, job } = under;
  const { memory } = vcpu;
  const checker = new LayoutChecker(under);
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
    const answer = memory.read(job.homed, 4);
    if (answer !== HOMED_ANSWER || memory.result !== MEMTX_OK) {
      lane.violation(`vCPU ${vcpu.id}: the homed device gave ${answer}, result ${memory.result}`);
    }
    checker.took(checker.tag);
  }
});
