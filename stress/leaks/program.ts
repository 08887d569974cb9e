/** A vCPU that writes to memory and to a device until it is stopped; told so, it passes no checkpoint. */
import type { DeviceContext, Vcpu } from '../../src/vcpu-program.ts';

export const register = ({ state }: DeviceContext) => {
  const words = new Int32Array(state);
  return { read: () => words[0]!, write: () => void Atomics.add(words, 0, 1) };
};

export default function program(vcpu: Vcpu, { deaf }: { readonly deaf: boolean }): void {
  const { memory } = vcpu;
  while (deaf || vcpu.checkpoint()) {
    memory.store32(0, 0x100, 1);
    memory.store32(0, 0x1_0000, 1);
    memory.load32(0, 0x1_1000);
  }
}
