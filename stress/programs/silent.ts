/** Reads like shuffle-reader; when asked, it passes no checkpoint until it is let go, and notes that it is kicked; its layout must stay whole. */
import { ANSWERED, ASKED, COUNT, wordFor } from '../handshake.ts';
import { spin, stressProgram } from '../vcpu-side.ts';
import { LayoutChecker } from './layout-checker.ts';
import type { ShuffleJob } from './shuffle-reader.ts';

export default stressProgram<ShuffleJob>((under) => {
  const { vcpu, lane, words, random, orders } = under;
  const checker = new LayoutChecker(under);
  const asked = wordFor(orders.number, ASKED);
  const answered = wordFor(orders.number, ANSWERED);
  const kicked = wordFor(orders.number, COUNT);
  for (;;) {
    lane.at(1);
    const question = Atomics.load(words, asked); // odd: be silent; even: go on
    const floor = checker.floor();
    if (!vcpu.checkpoint()) return;
    checker.took(floor);
    checker.probe(1 + random.below(100));
    if (question % 2 === 0) continue;
    lane.at(2);
    Atomics.store(words, answered, question);
    while (Atomics.load(words, asked) === question) {
      checker.probe(20);
      spin(2000);
      if (vcpu.isKicked) Atomics.store(words, kicked, question);
    }
  }
});
