/** Rings a doorbell by stores to a device, and counts how often. */
import { MEMTX_OK } from '../../src/base/mem-tx-result.ts';
import { COUNT, wordFor } from '../handshake.ts';
import { spin, stressProgram } from '../vcpu-side.ts';

export interface RingerJob {
  readonly address: number;
}

export default stressProgram<RingerJob>(({ vcpu, random, job, lane, words, orders }) => {
  const count = wordFor(orders.number, COUNT);
  while (vcpu.checkpoint()) {
    for (let rings = random.below(50); rings > 0; rings -= 1) {
      vcpu.memory.store32(0, job.address, 1);
      if (vcpu.memory.result !== MEMTX_OK) lane.violation(`a ring gave ${vcpu.memory.result}`);
      Atomics.add(words, count, 1);
      lane.checked();
    }
    // Long enough, now and then, for the consumer to fall asleep.
    spin(random.below(random.below(8) === 0 ? 20_000 : 100));
  }
});
