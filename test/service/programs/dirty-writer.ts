/**
 * Stores all over its RAM in all the ways there are, for the tests of dirty logging on real threads: at random, or
 * through a counter in each page. Passes checkpoints, opens read sections, and sleeps now and then.
 */
import type { Vcpu } from '../../../src/vcpu/vcpu.ts';
import { Random } from '../../../src/verify/random.ts';

export interface WriterJob {
  readonly seed: number;
  /** First bytes of the address space that are RAM. */
  readonly ramBytes: number;
  /** One word: the vCPUs that have begun to write. */
  readonly begun: SharedArrayBuffer;
}

const BULK_BYTES_MAX = 6000;

export default function program(vcpu: Vcpu, { seed, ramBytes, begun }: WriterJob): number {
  const random = new Random(seed);
  const bulk = new Uint8Array(BULK_BYTES_MAX);
  let stores = 0;
  Atomics.add(new Int32Array(begun), 0, 1);
  while (vcpu.checkpoint()) {
    const inSection = random.below(8) === 0;
    if (inSection) vcpu.readLock();
    for (let left = 1 + random.below(400); left > 0; left -= 1) {
      storeSomewhere(vcpu, random, ramBytes - BULK_BYTES_MAX, bulk);
      stores += 1;
      if (inSection && left === 50) vcpu.checkpoint();
    }
    if (inSection) vcpu.readUnlock();
    if (random.below(200) === 0) vcpu.waitForInterrupt(1);
  }
  return stores;
}

function storeSomewhere({ memory }: Vcpu, random: Random, limit: number, bulk: Uint8Array): void {
  const address = random.below(limit);
  const value = random.next();
  switch (random.below(40)) {
    case 0:
      memory.writeBytes(address, bulk.subarray(0, random.below(BULK_BYTES_MAX)).fill(value));
      break;
    case 1:
      memory.atomicAdd32(0, address & -4, value);
      break;
    case 2:
      memory.atomicSwap64(0, address & -8, BigInt(value));
      break;
    case 3:
      memory.store32(0, (address & -4096) + 4094, value); // over the border of two pages
      break;
    case 4:
      memory.store64(0, address, value, value);
      break;
    default:
      memory.store32(0, address & -4, value);
  }
}
