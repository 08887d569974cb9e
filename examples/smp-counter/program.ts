/**
 * The vCPU program: one hart, from reset until the host stops it. Its id is the vCPU's.
 * A guest fault is thrown and so ends this vCPU; the host then hears of it with the hart, pc and address.
 */
import type { GuestHost } from './guest-port.ts';
import { Hart } from './hart.ts';
import { RAM_BASE } from './machine-map.ts';

/** A quiet checkpoint is one Atomics.load, cheaper than an interpreted instruction: one in 1024 is not felt. */
const INSTRUCTIONS_PER_CHECKPOINT = 1024;

export interface HartReport {
  readonly hart: number;
  readonly retired: number;
}

export default function program(vcpu: GuestHost): HartReport {
  const hart = new Hart(vcpu.id, vcpu.memory, RAM_BASE);
  for (let goOn = true; goOn; ) {
    const pause = hart.run(INSTRUCTIONS_PER_CHECKPOINT);
    goOn = pause === 'sleep' ? vcpu.waitForInterrupt() : vcpu.checkpoint();
  }
  return { hart: hart.id, retired: hart.retired };
}
