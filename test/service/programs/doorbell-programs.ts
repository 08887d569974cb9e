/** A program that writes, and tells others so through RAM; `what` says how. */
import type { Vcpu } from '../../../src/vcpu/vcpu.ts';

export interface WriteJob {
  readonly what:
    | 'write'
    | 'write and sleep'
    | 'write at once'
    | 'sleep and write'
    | 'relay'
    | 'write for ever';
  readonly device: number;
  readonly times: number;
  /**
   * RAM word through which vCPUs take turns: `relay` waits until it is `turn` modulo `turns`; `write at once` until
   * it is 1, and then makes it 2.
   */
  readonly word?: number;
  readonly turn?: number;
  readonly turns?: number;
}

/** Written values: which vCPU, then which of its writes. */
export const stamped = (vcpu: number, n: number): number => vcpu * 0x10000 + n;

export default function program(vcpu: Vcpu, job: WriteJob): unknown {
  const { memory } = vcpu;
  const { device, times, word = 0, turn = 0, turns = 1 } = job;
  switch (job.what) {
    case 'write':
    case 'write and sleep':
      for (let n = 0; n < times && vcpu.checkpoint(); n += 1) {
        memory.store32(0, device, stamped(vcpu.id, n));
        if (memory.result !== 0) return `write ${n} gave ${memory.result}`;
      }
      if (job.what === 'write and sleep') while (vcpu.waitForInterrupt());
      return memory.result;
    case 'sleep and write':
      vcpu.waitForInterrupt();
      for (let n = 0; n < times; n += 1) memory.store32(0, device, stamped(vcpu.id, n));
      return memory.result;
    case 'write at once':
      while (memory.atomicAdd32(0, word, 0) !== 1) if (!vcpu.checkpoint()) return 'stopped';
      for (let n = 0; n < times; n += 1) memory.store32(0, device, stamped(vcpu.id, n));
      memory.atomicAdd32(0, word, 1);
      return memory.result;
    case 'relay':
      // Each write is made after the one before it, by another vCPU: the turn comes through RAM.
      for (let n = 0; n < times; n += 1) {
        let now = memory.atomicAdd32(0, word, 0);
        while (now % turns !== turn) {
          if (!vcpu.checkpoint()) return 'stopped';
          now = memory.atomicAdd32(0, word, 0);
        }
        memory.store32(0, device, now);
        memory.atomicAdd32(0, word, 1);
      }
      return memory.result;
    case 'write for ever':
      for (let n = 0; ; n += 1) memory.store32(0, device, stamped(vcpu.id, n & 0xffff));
  }
}
