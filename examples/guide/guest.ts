/** What each vCPU of the guide runs. */
import type { Vcpu } from 'flatview/vcpu';

export default function guest(vcpu: Vcpu, turns: number): number {
  const { memory } = vcpu;
  let turn = 0;
  for (; turn < turns && vcpu.checkpoint(); turn += 1) {
    memory.atomicAdd32(0, 0x200, 1); // RAM is shared: an AMO, as a guest would use
    memory.store32(0, 0x2_0000, 1); // the device's register adds
  }
  return turn;
}
