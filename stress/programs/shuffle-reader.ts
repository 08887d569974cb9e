/** Reads shuffled windows without end: a checkpoint, then a random number of accesses. */
import { spin, stressProgram } from '../vcpu-side.ts';
import { LayoutChecker } from './layout-checker.ts';

export interface ShuffleJob {
  /** The layouts' seed. */
  readonly seed: number;
}

export default stressProgram<ShuffleJob>((under) => {
  const { vcpu, random } = under;
  const checker = new LayoutChecker(under);
  for (;;) {
    const floor = checker.floor();
    if (!vcpu.checkpoint()) return;
    checker.took(floor);
    // Now and then a long stay on one layout, with pauses: publications go by, and it must stay whole.
    const long = random.below(16) === 0;
    for (let rounds = long ? 20 : 1; rounds > 0; rounds -= 1) {
      checker.probe(1 + random.below(100));
      if (long) spin(random.below(4000));
    }
  }
});
