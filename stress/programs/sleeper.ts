/** Sleeps in waitForInterrupt(), or in an access to a homed device that does not answer; awake, it checks its map. */
import { MEMTX_OK } from '../../src/base/mem-tx-result.ts';
import { ANSWERED, ASKED, ASKED_AT, wordFor } from '../handshake.ts';
import { stressProgram } from '../vcpu-side.ts';
import { LayoutChecker } from './layout-checker.ts';

export interface SleeperJob {
  readonly seed: number;
  /** Address of the device whose read blocks; null: it sleeps in waitForInterrupt(). */
  readonly gate: number | null;
}

export default stressProgram<SleeperJob>((under) => {
  const { vcpu, lane, words, random, orders, job } = under;
  const checker = new LayoutChecker(under);
  const word = (which: number): number => wordFor(orders.number, which);
  for (let answered = 0; ; ) {
    lane.at(1);
    if (job.gate === null) {
      if (!vcpu.waitForInterrupt()) return;
    } else {
      vcpu.memory.read(job.gate, 4);
      if (vcpu.memory.result !== MEMTX_OK)
        lane.violation(`vCPU ${vcpu.id}: the gate gave ${vcpu.memory.result}`);
    }
    lane.at(2);
    const asked = Atomics.load(words, word(ASKED));
    if (asked !== answered) {
      checker.took(Atomics.load(words, word(ASKED_AT)));
      checker.probe(1 + random.below(60));
      answered = asked;
      Atomics.store(words, word(ANSWERED), asked);
    }
    if (!vcpu.checkpoint()) return;
  }
});
