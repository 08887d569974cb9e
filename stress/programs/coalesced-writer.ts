/** Writes its numbers to a coalesced device, and asks now and then how far the device has come with whom. */
import { MEMTX_OK } from '../../src/base/mem-tx-result.ts';
import { COUNT, wordFor } from '../handshake.ts';
import { stressProgram } from '../vcpu-side.ts';

export interface CoalescedJob {
  readonly address: number;
  readonly vcpus: number;
}

/** Bytes of a vCPU's register: a write is its next number, a read the number of its last write. */
export const REGISTER_BYTES = 4;

export default stressProgram<CoalescedJob>(({ vcpu, random, job, lane, words, orders }) => {
  const { memory } = vcpu;
  const registerOf = (number: number): number => job.address + number * REGISTER_BYTES;
  let written = 0;
  while (vcpu.checkpoint()) {
    for (let writes = random.below(40); writes > 0; writes -= 1) {
      written += 1;
      memory.store32(0, registerOf(orders.number), written);
      if (memory.result !== MEMTX_OK) lane.violation(`a coalesced write gave ${memory.result}`);
      Atomics.store(words, wordFor(orders.number, COUNT), written); // others may read it from now on
      lane.checked();
    }
    const other = random.below(job.vcpus);
    const known = Atomics.load(words, wordFor(other, COUNT));
    const answered = memory.load32(0, registerOf(other));
    if (answered < known)
      lane.violation(`write ${known} of vCPU ${other} was queued, and a read after it found ${answered}`);
    lane.checked();
  }
});
