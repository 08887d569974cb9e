/** Reads regions of a storm anywhere, each as the layout in use has it. */
import { MEMTX_DECODE_ERROR, MEMTX_OK } from '../../src/base/mem-tx-result.ts';
import { INTENT, LATEST, wordOf } from '../shuffle.ts';
import { STORM_OFF, STORM_REGIONS, stormAddress, stormPage } from '../storm.ts';
import { stressProgram } from '../vcpu-side.ts';
import type { ShuffleJob } from './shuffle-reader.ts';

export default stressProgram<ShuffleJob>(({ vcpu, lane, words, random, job }) => {
  const { memory } = vcpu;
  for (let last = 0; ; ) {
    const floor = Atomics.load(words, LATEST);
    if (!vcpu.checkpoint()) return;
    const tag = memory.layoutTag;
    const intent = Atomics.load(words, INTENT);
    if (tag < floor || tag < last || tag > intent)
      lane.violation(`vCPU ${vcpu.id}: layout ${tag} after ${last}, of ${floor} to ${intent}`);
    last = tag;
    lane.at(tag);
    const count = 1 + random.below(400);
    for (let access = 0; access < count; access += 1) {
      const region = random.below(STORM_REGIONS);
      const offset = random.below(1024) << 2;
      const page = stormPage(job.seed, tag, region);
      const value = memory.load32(0, stormAddress(region) + offset);
      const isOff = page === STORM_OFF;
      if (
        value === (isOff ? 0 : wordOf(page, offset)) &&
        memory.result === (isOff ? MEMTX_DECODE_ERROR : MEMTX_OK)
      )
        continue;
      lane.violation(
        `vCPU ${vcpu.id}: layout ${tag}, region ${region} gave 0x${(value >>> 0).toString(16)} with result ` +
          `${memory.result}, expected ${isOff ? 'nothing' : `page ${page}`}`,
      );
    }
    lane.checked(count);
  }
});
