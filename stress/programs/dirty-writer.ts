/** Stores all over RAM whose pages are logged, in slices of any length, in sections and after sleeps. */
import { stressProgram, type UnderStress } from '../vcpu-side.ts';

export interface DirtyWriterJob {
  /** First bytes of the address space that are RAM. */
  readonly ramBytes: number;
}

const BULK_BYTES_MAX = 5000;
const bulk = new Uint8Array(BULK_BYTES_MAX);

export default stressProgram<DirtyWriterJob>((under) => {
  const { vcpu, lane, random } = under;
  while (vcpu.checkpoint()) {
    const inSection = random.below(8) === 0;
    if (inSection) vcpu.readLock();
    const count = 1 + random.below(random.below(10) === 0 ? 20_000 : 500);
    for (let store = 0; store < count; store += 1) storeSomewhere(under);
    if (inSection) vcpu.readUnlock();
    lane.checked(count);
    if (random.below(100) === 0) vcpu.waitForInterrupt(1);
  }
});

function storeSomewhere({ vcpu: { memory }, random, job: { ramBytes } }: UnderStress<DirtyWriterJob>): void {
  const address = random.below(ramBytes - BULK_BYTES_MAX);
  const value = random.next();
  // Few that are slow whatever was armed: they would mark what a mutant's armed stores do not.
  const kind = random.below(20_000);
  if (kind === 0) memory.writeBytes(address, bulk.subarray(0, random.below(BULK_BYTES_MAX)).fill(value));
  else if (kind === 1)
    memory.store64(0, (address & -4096) + 4092, value, value); // over the border of two pages
  else if (kind < 1000) memory.atomicAdd32(0, address & -4, value);
  else memory.store32(0, address & -4, value);
}
