/** Does one kind of thing without end, to be killed in the middle of it; passes checkpoints unless it is in a section. */
import { spin, stressProgram } from '../vcpu-side.ts';
import { LayoutChecker } from './layout-checker.ts';

/** What it is in the middle of. */
export const VICTIM_KINDS = ['section', 'lock', 'own lock', 'homed', 'hosted', 'sleep', 'running'] as const;

export interface VictimJob {
  readonly seed: number;
  readonly what: (typeof VICTIM_KINDS)[number];
  readonly homed: number;
  readonly hosted: number;
  readonly locked: number;
  readonly ownLocked: number;
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
  while (vcpu.checkpoint()) {
    if (job.what === 'homed') vcpu.memory.read(job.homed, 4);
    else if (job.what === 'hosted') vcpu.memory.read(job.hosted, 4);
    else if (job.what === 'lock') vcpu.memory.write(job.locked, 4, 1);
    else if (job.what === 'own lock') vcpu.memory.write(job.ownLocked, 4, 1);
    else if (job.what === 'sleep') vcpu.waitForInterrupt(random.below(3));
    else spin(random.below(1000));
  }
});
