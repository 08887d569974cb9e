/** A vCPU program that throws while it runs. */
import type { Vcpu } from '../../src/vcpu/vcpu.ts';

export default function failingProgram(vcpu: Vcpu): never {
  vcpu.checkpoint();
  throw new RangeError('the program lost its way');
}
