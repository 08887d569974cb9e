/** A vCPU that comes, looks at some layouts, and goes by itself. */
import { stressProgram } from '../vcpu-side.ts';
import { LayoutChecker } from './layout-checker.ts';

export interface VisitorJob {
  /** The layouts' seed. */
  readonly seed: number;
  /** What was published before it was started. */
  readonly floor: number;
  readonly checkpoints: number;
}

export default stressProgram<VisitorJob>((under) => {
  const { vcpu, random, job } = under;
  const checker = new LayoutChecker(under);
  checker.took(job.floor);
  checker.probe(1 + random.below(100));
  for (let left = job.checkpoints; left > 0; left -= 1) {
    const floor = checker.floor();
    if (!vcpu.checkpoint()) return;
    checker.took(floor);
    checker.probe(1 + random.below(100));
  }
});
