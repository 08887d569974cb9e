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
    // Now and then a long stay on one layout, up to some milliseconds, so that others get the cores and
    // publications go by: the layout must stay whole.
    const rounds = [100, 20, 20, 20][random.below(64)] ?? 1;
    for (let round = 0; round < rounds; round += 1) {
      checker.probe(1 + random.below(100));
      if (rounds > 1) spin(random.below(60_000));
    }
  }
});
