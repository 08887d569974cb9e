/** Real vCPUs in worker threads that make a pass whenever they are told to. */
import { Machine } from '../../src/service/machine.ts';
import type { VcpuHandle } from '../../src/service/vcpu-handle.ts';
import {
  BOARD_BYTES,
  type PassData,
  type PassKind,
  RESULTS,
  WORD_DONE,
  WORD_TURN,
} from '../programs/passes.ts';
import { type Measured, measureReported } from './measure.ts';
import type { Stream } from './stream.ts';

const PASSES = new URL('../programs/passes.ts', import.meta.url);

export interface PassPlan {
  readonly kind: PassKind;
  readonly stream: Stream;
  /** Sweeps over the stream in one pass; 8 by default. */
  readonly rounds?: number;
  readonly vcpus?: number;
  readonly idleMs?: number;
  /** Threads at work besides the vCPUs. */
  readonly otherThreads?: number;
  /** Builds the address space that the vCPUs see first. */
  show(machine: Machine): unknown;
}

export class PacedVcpus {
  /** Of the last turn, by vCPU. */
  sums: number[] = [];
  private readonly machine: Machine;
  private readonly board = new SharedArrayBuffer(BOARD_BYTES);
  private readonly words = new Int32Array(this.board);
  private readonly results = new Float64Array(this.board);
  private readonly vcpus: readonly VcpuHandle[];
  private turns = 0;

  private constructor(machine: Machine, plan: PassPlan) {
    this.machine = machine;
    const { kind, stream, rounds = 8, idleMs = 0 } = plan;
    const data: PassData = { kind, stream, rounds, idleMs, board: this.board };
    this.vcpus = Array.from({ length: plan.vcpus ?? 1 }, () => machine.startVcpu({ program: PASSES, data }));
  }

  static async start(plan: PassPlan): Promise<PacedVcpus> {
    const vcpuSlots = plan.vcpus ?? 1;
    const machine = new Machine({ ramReserveBytes: 2 ** 28, arenaBytes: 2 ** 24, vcpuSlots });
    try {
      await plan.show(machine);
      return new PacedVcpus(machine, plan);
    } catch (error) {
      await machine.close();
      throw error;
    }
  }

  /** One pass of every vCPU, all at the same time; resolves to the mean of the nanoseconds that they took. */
  async turn(): Promise<number> {
    this.turns += 1;
    Atomics.store(this.words, WORD_TURN, this.turns);
    for (const vcpu of this.vcpus) vcpu.kick();
    await Promise.race([Promise.all(this.vcpus.map((vcpu) => this.finishes(vcpu.id))), this.fails()]);
    this.sums = this.vcpus.map(({ id }) => this.results[RESULTS + 2 * id + 1]!);
    const ns = this.vcpus.reduce((sum, { id }) => sum + this.results[RESULTS + 2 * id]!, 0);
    return ns / this.vcpus.length;
  }

  close(): Promise<void> {
    return this.machine.close();
  }

  private async finishes(id: number): Promise<void> {
    for (;;) {
      const done = Atomics.load(this.words, WORD_DONE + id);
      if (done === this.turns) return;
      const wait = Atomics.waitAsync(this.words, WORD_DONE + id, done); // pairs with programs/passes.ts
      if (wait.async) await wait.value;
    }
  }

  /** Rejects with what ended a vCPU. */
  private async fails(): Promise<never> {
    await Promise.race(this.vcpus.map((vcpu) => vcpu.finished));
    throw new Error('a vCPU of the benchmark returned before it was told to');
  }
}

/** The cost of one access of the plan's stream, as the vCPUs timed it. */
export async function measurePasses(plan: PassPlan): Promise<Measured> {
  const vcpus = await PacedVcpus.start(plan);
  const threads = (plan.vcpus ?? 1) + (plan.otherThreads ?? 0);
  try {
    return await measureReported(() => vcpus.turn(), {
      operations: plan.stream.los.length * (plan.rounds ?? 8),
      threads,
    });
  } finally {
    await vcpus.close();
  }
}
