/** The side of a scenario that runs in the vCPU's thread: what its programs are wrapped in, and told. */

import type { Vcpu } from '../src/vcpu/vcpu.ts';
import { Random } from '../src/verify/random.ts';
import { Lane } from './lane.ts';
import { breakInVcpu } from './mutants/in-vcpu.ts';

/** What every stress program is started with. */
export interface Orders {
  /** Where it tells what it saw. */
  readonly lane: SharedArrayBuffer;
  /** The scenario's shared words, each scenario's own. */
  readonly words: SharedArrayBuffer;
  readonly seed: number;
  /** Number among the scenario's vCPUs, from 0; unlike its slot it is never given again. */
  readonly number: number;
  readonly mutant: string | null;
}

export interface UnderStress<Job> {
  readonly vcpu: Vcpu;
  readonly lane: Lane;
  readonly words: Int32Array<SharedArrayBuffer>;
  readonly random: Random;
  readonly orders: Orders;
  readonly job: Job;
}

/** A vCPU program from a stress program: breaks the mutant's step first, if there is one. */
export const stressProgram =
  <Job>(body: (under: UnderStress<Job>) => void) =>
  (vcpu: Vcpu, data: { readonly orders: Orders; readonly job: Job }): void => {
    const { orders, job } = data;
    if (orders.mutant !== null) breakInVcpu(orders.mutant);
    body({
      vcpu,
      lane: new Lane(orders.lane),
      words: new Int32Array(orders.words),
      random: new Random(orders.seed),
      orders,
      job,
    });
  };

/** Some 10 ns a turn, without touching shared memory. */
export function spin(turns: number): number {
  let x = turns;
  for (let turn = 0; turn < turns; turn += 1) x = Math.imul(x, 48271) + turn;
  return x;
}
