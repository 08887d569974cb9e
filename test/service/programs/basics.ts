/** Programs for the tests of the vCPU set; `data.what` chooses one. */
import type { Vcpu } from '../../../src/vcpu/vcpu.ts';

/** A read, or a write of `value`. */
export interface Access {
  readonly address: number;
  readonly size: 1 | 2 | 4;
  readonly value?: number;
}

export type Job =
  | { readonly what: 'sum' }
  | { readonly what: 'count' }
  | { readonly what: 'throw' }
  | { readonly what: 'spin' }
  | { readonly what: 'until-kicked' }
  | { readonly what: 'sleep' }
  | { readonly what: 'promise' }
  | { readonly what: 'exit' }
  | { readonly what: 'function' }
  | { readonly what: 'accesses'; readonly list: readonly Access[] }
  | { readonly what: 'increment'; readonly address: number; readonly times: number }
  | { readonly what: 'poll'; readonly address: number };

/** Word of RAM that programs count in: 0x100 + 4 * id. */
const counter = (vcpu: Vcpu): number => 0x100 + 4 * vcpu.id;

export default function program(vcpu: Vcpu, job: Job): unknown {
  const { memory } = vcpu;
  switch (job.what) {
    case 'sum':
      memory.store32(0, 0x10, 40);
      return memory.load32(0, 0x10) + 2;
    case 'count':
      while (vcpu.checkpoint()) memory.atomicAdd32(0, counter(vcpu), 1);
      return 'stopped';
    case 'throw':
      throw new RangeError('the guest went astray');
    case 'spin':
      memory.store32(0, counter(vcpu), 1);
      for (;;) memory.load32(0, 0);
    case 'until-kicked': {
      memory.store32(0, counter(vcpu), 1);
      while (!vcpu.isKicked) memory.load32(0, 0);
      vcpu.checkpoint();
      memory.store32(0, counter(vcpu), 2);
      while (vcpu.isKicked) memory.load32(0, 0); // the control thread takes it back
      return 'moved';
    }
    case 'sleep': {
      let wakes = 0;
      while (vcpu.waitForInterrupt()) {
        wakes += 1;
        memory.store32(0, counter(vcpu), wakes);
      }
      return wakes;
    }
    case 'promise':
      return Promise.reject(new Error('nobody waits for this'));
    case 'exit':
      return process.exit(3);
    case 'function':
      return () => 1;
    case 'accesses':
      return job.list.map(({ address, size, value }) => {
        if (value === undefined) return [memory.read(address, size), memory.result];
        memory.write(address, size, value);
        return memory.result;
      });
    case 'increment':
      for (let i = 0; i < job.times && vcpu.checkpoint(); i += 1) memory.write(job.address, 4, 1);
      return job.times;
    case 'poll':
      while (vcpu.checkpoint()) {
        const value = memory.read(job.address, 4);
        if (value !== 0) return [value, memory.result];
      }
      return 'stopped';
  }
}
