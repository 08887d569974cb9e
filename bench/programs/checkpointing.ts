/** A busy vCPU: slices of 1024 loads, and a checkpoint after each, until it is stopped. */
import type { Vcpu } from '../../src/vcpu/vcpu.ts';

const SLICE = 1024;

export default function checkpointing(vcpu: Vcpu): number {
  const { memory } = vcpu;
  let sum = 0;
  while (vcpu.checkpoint()) {
    for (let i = 0; i < SLICE; i += 1) sum = (sum + memory.load32(0, (i * 4100) & 0xf_fffc)) | 0;
  }
  return sum;
}
