/** A vCPU that makes one load and ends. */
import type { Vcpu } from '../../src/vcpu/vcpu.ts';

export default function firstLoad({ memory }: Vcpu): number {
  return memory.load32(0, 0);
}
