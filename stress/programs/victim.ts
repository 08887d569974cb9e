/** Does one kind of thing without end, to be killed in the middle of it; passes checkpoints unless it is in a section. */
import type { ParkJob } from '../device-park.ts';
import { QUEUE_OF_THE_DEAD } from '../queue-log.ts';
import { spin, stressProgram } from '../vcpu-side.ts';
import { LayoutChecker } from './layout-checker.ts';

/** What it is in the middle of. */
export const VICTIM_KINDS = [
  'section',
  'lock',
  'own lock',
  'queue',
  'homed',
  'hosted',
  'sleep',
  'running',
] as const;

export interface VictimJob extends ParkJob {
  readonly what: (typeof VICTIM_KINDS)[number];
}

/** It holds a ring from a compareExchange to an add, a moment that no kill would meet. */
function lingerInRings(): void {
  const { add } = Atomics;
  const slow = (words: Int32Array, index: number, value: number): number => {
    spin(20_000);
    return add(words, index, value);
  };
  Object.assign(Atomics, { add: slow });
}

export default stressProgram<VictimJob>((under) => {
  const { vcpu, random, job } = under;
  const checker = new LayoutChecker(under);
  const floor = checker.floor();
  if (!vcpu.checkpoint()) return;
  checker.took(floor);
  if (job.what === 'section') {
    for (let depth = 1 + random.below(3); depth > 0; depth -= 1) vcpu.readLock();
    for (;;) checker.probe(10);
  }
  if (job.what === 'queue') lingerInRings();
  while (vcpu.checkpoint()) {
    if (job.what === 'homed') vcpu.memory.read(job.homed, 4);
    else if (job.what === 'hosted') vcpu.memory.read(job.hosted, 4);
    else if (job.what === 'lock') vcpu.memory.write(job.locked, 4, 1);
    else if (job.what === 'own lock') vcpu.memory.write(job.ownLocked, 4, 1);
    else if (job.what === 'queue') {
      for (let writes = 50; writes > 0; writes -= 1)
        vcpu.memory.write(job.queued + 4 * QUEUE_OF_THE_DEAD, 4, writes);
    } else if (job.what === 'sleep') vcpu.waitForInterrupt(random.below(3));
    else spin(random.below(1000));
  }
});
