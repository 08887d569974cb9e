/** Masters a bus behind IOMMUs: stores its mark, and must never find what belongs to somebody else. */
import { MEMTX_DECODE_ERROR, MEMTX_OK } from '../../src/base/mem-tx-result.ts';
import { stressProgram, type UnderStress } from '../vcpu-side.ts';

export interface DmaJob {
  /** Where each IOMMU begins. */
  readonly windows: readonly number[];
  readonly pages: number;
}

/** What the control thread fills frames with that it took from the bus. */
export const CANARY = 0x5eed_5eed;
const MARK = 0x0dda_0dda;
const PAGE_BYTES = 4096;
const BULK_BYTES = 6000;
const bulk = new Uint8Array(BULK_BYTES);
const bulkWords = new Int32Array(bulk.buffer, 0, BULK_BYTES >> 2);

export default stressProgram<DmaJob>((under) => {
  const { vcpu, lane, random } = under;
  while (vcpu.checkpoint()) {
    const isInSection = random.below(8) === 0;
    if (isInSection) vcpu.readLock();
    const count = 1 + random.below(200);
    for (let access = 0; access < count; access += 1) {
      if (random.below(50) === 0) copy(under);
      else touch(under);
    }
    if (isInSection) vcpu.readUnlock();
    lane.checked(count);
    if (random.below(50) === 0) vcpu.waitForInterrupt(1);
  }
});

function touch({ vcpu: { memory, id }, lane, random, job }: UnderStress<DmaJob>): void {
  const address = random.pick(job.windows) + PAGE_BYTES * random.below(job.pages) + 4 * random.below(1024);
  const isStore = random.below(2) === 0;
  const value = isStore ? 0 : memory.load32(0, address);
  if (isStore) memory.store32(0, address, MARK);
  if (memory.result !== MEMTX_OK && memory.result !== MEMTX_DECODE_ERROR)
    lane.violation(`vCPU ${id}: an access through an IOMMU gave ${memory.result}`);
  if (value === CANARY) lane.violation(`vCPU ${id}: read what was unmapped, at 0x${address.toString(16)}`);
}

/** Over the borders of pages, so in pieces. */
function copy({ vcpu: { memory, id }, lane, random, job }: UnderStress<DmaJob>): void {
  const address = random.pick(job.windows) + 4 * random.below((PAGE_BYTES / 4) * (job.pages - 2));
  if (random.below(2) === 0) memory.writeBytes(address, bulk.fill(0xda));
  else {
    bulk.fill(0);
    memory.readBytes(address, bulk);
    if (bulkWords.includes(CANARY))
      lane.violation(`vCPU ${id}: copied what was unmapped, from 0x${address.toString(16)}`);
  }
}
