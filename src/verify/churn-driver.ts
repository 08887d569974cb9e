/**
 * Walks a machine through its churn plan while vCPUs run, as fast as asked, and times it. Control thread.
 * Guarantee: the event loop turns between bursts, so grace periods end and messages arrive; what a step is
 * about to change stands on the board before it is published, and what it has changed afterwards.
 */
import { MemoryError } from '../base/errors.ts';
import type { SharedWords } from '../layout/control-block.ts';
import { BOARD_ANNOUNCED, BOARD_CHANGED, BOARD_PUBLISHED } from './board.ts';
import type { ChurnPlan } from './churn-plan.ts';
import { Latencies } from './latencies.ts';
import type { StateTables } from './probe-program.ts';

/** As many publications as the machine takes, so many a second, or none. */
export type ChurnRate = number | 'max' | 'off';

/** The part of a Machine that the driver needs. */
export interface ChurnedMachine {
  layoutTag: number;
  readonly gauges: { readonly publications: number };
  synchronize(): Promise<void>;
  callRcu(callback: () => void): void;
}

/** Longest time that a burst keeps the event loop waiting. */
const BURST_MS = 2;
const PAUSE_MS_MAX = 50;

export class ChurnDriver {
  /** From the first mutator of a transaction until it is published. */
  readonly commits = new Latencies();
  /** From the end of a publication until every vCPU was seen to have passed a checkpoint. */
  readonly gracePeriods = new Latencies();
  /** How often the garbage bound was met and a grace period awaited. */
  backPressure = 0;
  private readonly machine: ChurnedMachine;
  private readonly plan: ChurnPlan;
  private readonly tables: StateTables;
  private readonly groups: readonly number[];
  private readonly board: SharedWords;
  private step = 0;
  private stopped = false;
  private graceIsTimed = false;

  /** @param groups the group of each space, in the order of the board's spaces */
  constructor(
    machine: ChurnedMachine,
    plan: ChurnPlan,
    tables: StateTables,
    groups: readonly number[],
    board: SharedWords,
  ) {
    this.machine = machine;
    this.plan = plan;
    this.tables = tables;
    this.groups = groups;
    this.board = board;
  }

  /** Ends run() soon. */
  stop(): void {
    this.stopped = true;
  }

  /** Publishes until `seconds` have passed or stop() is called. */
  async run(rate: number | 'max', seconds: number): Promise<void> {
    const start = performance.now();
    const end = start + seconds * 1000;
    let done = 0;
    while (!this.stopped && performance.now() < end && !this.plan.isEmpty) {
      const burstEnd = Math.min(end, performance.now() + BURST_MS);
      for (let now = performance.now(); now < burstEnd; now = performance.now()) {
        if (rate !== 'max' && done >= ((now - start) / 1000) * rate) break;
        if (!this.publish()) {
          await this.machine.synchronize();
          break;
        }
        done += 1;
      }
      const nextMs = rate === 'max' ? 0 : (1000 * done) / rate - (performance.now() - start);
      await turn(Math.min(nextMs, PAUSE_MS_MAX, end - performance.now()));
    }
  }

  /** One step. False if the machine must wait for its readers first; then nothing has changed. */
  private publish(): boolean {
    const { board, machine } = this;
    const step = this.step + 1;
    machine.layoutTag = step;
    Atomics.store(board, BOARD_ANNOUNCED, step); // pairs with Prober.stepOf
    const start = performance.now();
    try {
      this.plan.apply(step);
    } catch (error) {
      if (!(error instanceof MemoryError) || error.code !== 'BACK_PRESSURE') throw error;
      this.backPressure += 1;
      return false;
    }
    const end = performance.now();
    this.commits.record(end - start);
    this.step = step;
    this.noteChanges(step);
    Atomics.store(board, BOARD_PUBLISHED, step); // pairs with Prober.slice
    this.timeGrace(end);
    return true;
  }

  private noteChanges(step: number): void {
    const { changes, stateCount } = this.tables;
    const state = step % stateCount;
    for (const [space, group] of this.groups.entries()) {
      if (changes[group * stateCount + state] === 0) continue;
      Atomics.store(this.board, BOARD_CHANGED + space, step); // pairs with Prober.slice
    }
  }

  /** One grace period at a time is timed; the others are not slowed down for it. */
  private timeGrace(start: number): void {
    if (this.graceIsTimed) return;
    this.graceIsTimed = true;
    this.machine.callRcu(() => {
      this.graceIsTimed = false;
      this.gracePeriods.record(performance.now() - start);
    });
  }
}

/** Lets the event loop turn, for `ms` if that is worth a timer. */
const turn = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    if (ms >= 1) setTimeout(resolve, ms);
    else setImmediate(resolve);
  });
