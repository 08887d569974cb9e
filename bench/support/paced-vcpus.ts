/** Real vCPUs in worker threads that make a pass whenever they are told to. */
import { setImmediate as eventLoopTurn } from 'node:timers/promises';
import { Machine } from '../../src/service/machine.ts';
import type { VcpuHandle } from '../../src/service/vcpu-handle.ts';
import {
  BOARD_BYTES,
  type PassData,
  type PassKind,
  RESULT_END_MS,
  RESULT_NS,
  RESULT_START_MS,
  RESULT_STRIDE,
  RESULT_SUM,
  RESULTS,
  WORD_DONE,
  WORD_TURN,
} from '../programs/passes.ts';
import { type Measured, measureReported } from './measure.ts';
import type { Pacer } from './pacer.ts';
import type { Stream } from './stream.ts';

const PASSES = new URL('../programs/passes.ts', import.meta.url);

export interface PassPlan {
  readonly kind: PassKind;
  readonly stream: Stream;
  /** Sweeps over the stream in one pass; 8 by default. */
  readonly rounds?: number;
  readonly vcpus?: number;
  /** A stream for each vCPU, all as long as `stream`; by default `stream` for all. */
  readonly streams?: readonly Stream[];
  readonly idleMs?: number;
  /** Threads at work besides the vCPUs. */
  readonly otherThreads?: number;
  /** Builds the address space that the vCPUs see first. */
  show(machine: Machine): unknown;
}

export class PacedVcpus {
  /** Of the last turn, by vCPU. */
  sums: number[] = [];
  readonly machine: Machine;
  private readonly board = new SharedArrayBuffer(BOARD_BYTES);
  private readonly words = new Int32Array(this.board);
  private readonly results = new Float64Array(this.board);
  private readonly vcpus: readonly VcpuHandle[];
  private turns = 0;
  private failure: unknown = null;
  private failTurn: (why: unknown) => void = () => {};

  private constructor(machine: Machine, plan: PassPlan) {
    this.machine = machine;
    const { kind, stream, streams = [], rounds = 8, idleMs = 0 } = plan;
    this.vcpus = Array.from({ length: plan.vcpus ?? 1 }, (_, i) => {
      const data: PassData = { kind, stream: streams[i] ?? stream, rounds, idleMs, board: this.board };
      return machine.startVcpu({ program: PASSES, data });
    });
    const early = new Error('a vCPU of the benchmark returned before it was told to');
    for (const { finished } of this.vcpus)
      finished.then(
        () => this.ended(early),
        (error) => this.ended(error),
      );
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

  /**
   * One pass of every vCPU, all at the same time; resolves to the mean of the nanoseconds that they took.
   * @param meanwhile what this thread does until the last is done; it waits by default
   */
  async turn(meanwhile?: Pacer): Promise<number> {
    this.turns += 1;
    Atomics.store(this.words, WORD_TURN, this.turns);
    for (const vcpu of this.vcpus) vcpu.kick();
    const pass = this.passOfAll();
    if (meanwhile !== undefined) await paceWhile(pass, meanwhile);
    await pass;
    this.sums = this.resultsOf(RESULT_SUM);
    return this.resultsOf(RESULT_NS).reduce((sum, ns) => sum + ns, 0) / this.vcpus.length;
  }

  /** Nanoseconds of the last turn, from the first vCPU's start to the last one's end. */
  get wallNs(): number {
    const startMs = Math.min(...this.resultsOf(RESULT_START_MS));
    return (Math.max(...this.resultsOf(RESULT_END_MS)) - startMs) * 1e6;
  }

  close(): Promise<void> {
    return this.machine.close();
  }

  private resultsOf(result: number): number[] {
    return this.vcpus.map(({ id }) => this.results[RESULTS + RESULT_STRIDE * id + result]!);
  }

  private async finishes(id: number): Promise<void> {
    for (;;) {
      const done = Atomics.load(this.words, WORD_DONE + id);
      if (done === this.turns) return;
      const wait = Atomics.waitAsync(this.words, WORD_DONE + id, done); // pairs with programs/passes.ts
      if (wait.async) await wait.value;
    }
  }

  /** Resolves when all have made the turn, rejects with what ended a vCPU before. */
  private passOfAll(): Promise<unknown> {
    // No race against `finished`: it is pending for the whole run, and would keep something of every turn.
    return new Promise((resolve, reject) => {
      this.failTurn = reject;
      if (this.failure !== null) reject(this.failure);
      else Promise.all(this.vcpus.map((vcpu) => this.finishes(vcpu.id))).then(resolve, reject);
    });
  }

  private ended(why: unknown): void {
    this.failure = why;
    this.failTurn(why);
  }
}

async function paceWhile(pending: Promise<unknown>, pacer: Pacer): Promise<void> {
  let isOver = false;
  const over = (): void => {
    isOver = true;
  };
  void pending.then(over, over);
  pacer.start();
  while (!isOver) {
    pacer.burst();
    await eventLoopTurn();
  }
  pacer.rest();
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

/** Wall time an access of the plan's stream, over all vCPUs together: with two at work half of what one takes. */
export async function measureThroughput(plan: PassPlan): Promise<Measured> {
  const vcpus = await PacedVcpus.start(plan);
  const { vcpus: threads = 1, rounds = 8 } = plan;
  try {
    const pass = async (): Promise<number> => {
      await vcpus.turn();
      return vcpus.wallNs;
    };
    return await measureReported(pass, { operations: threads * plan.stream.los.length * rounds, threads });
  } finally {
    await vcpus.close();
  }
}
