/** Two things that may miss a wake-up: accesses to a host that falls asleep, and sleep for a kick. */
import { MEMTX_OK } from '../../src/base/mem-tx-result.ts';
import { ANSWERED, ASKED, wordFor } from '../handshake.ts';
import { spin, stressProgram, type UnderStress } from '../vcpu-side.ts';

export interface WokenJob {
  /** Address of a register in the control thread that counts its reads; null: it sleeps for kicks. */
  readonly register: number | null;
}

/** About 10 ns each: from no pause at all to far longer than a host stays awake. */
const PAUSE_TURNS_MAX = 60_000;

export default stressProgram<WokenJob>((under) => {
  if (under.job.register === null) consume(under);
  else count(under, under.job.register);
});

function count({ vcpu, lane, random }: UnderStress<WokenJob>, register: number): void {
  for (let reads = 1; vcpu.checkpoint(); reads += 1) {
    if (random.below(2) === 0) spin(random.below(PAUSE_TURNS_MAX));
    lane.at(reads);
    const counted = vcpu.memory.read(register, 4);
    lane.checked();
    if (vcpu.memory.result === MEMTX_OK && counted === reads) continue;
    lane.violation(`vCPU ${vcpu.id}: read ${reads} was counted as ${counted}, result ${vcpu.memory.result}`);
    return;
  }
}

/** Takes every piece of work that was there before the kick that woke it. */
function consume({ vcpu, lane, words, orders }: UnderStress<WokenJob>): void {
  const asked = wordFor(orders.number, ASKED);
  const answered = wordFor(orders.number, ANSWERED);
  let done = 0;
  while (vcpu.waitForInterrupt()) {
    lane.at(done);
    while (done !== Atomics.load(words, asked)) {
      done += 1;
      Atomics.store(words, answered, done);
      lane.checked();
    }
  }
}
