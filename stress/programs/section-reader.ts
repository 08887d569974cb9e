/** Reads two address spaces, in and out of nested read sections, with checkpoints inside them. */
import { stressProgram } from '../vcpu-side.ts';
import { LayoutChecker } from './layout-checker.ts';
import type { ShuffleJob } from './shuffle-reader.ts';

const DEPTH_MAX = 4;

export default stressProgram<ShuffleJob>((under) => {
  const { vcpu, random } = under;
  const checkers = [new LayoutChecker(under), new LayoutChecker(under, vcpu.port('second'))];
  for (;;) {
    const floors = checkers.map((checker) => checker.floor());
    if (!vcpu.checkpoint()) return;
    for (const [index, checker] of checkers.entries()) checker.took(floors[index]!);
    const depth = random.below(DEPTH_MAX + 1);
    for (let level = 0; level < depth; level += 1) vcpu.readLock();
    for (let round = random.below(20); round > 0; round -= 1) {
      for (const checker of checkers) checker.probe(1 + random.below(40));
      if (depth > 0) vcpu.checkpoint(); // in a section it must change nothing: probe() looks
    }
    for (let level = 0; level < depth; level += 1) vcpu.readUnlock();
  }
});
