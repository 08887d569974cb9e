/**
 * Layout changes under load: walks a machine through a cycle of changes that its structure suggests, at a rate that
 * can be set while it runs. Control thread.
 * Guarantee: the event loop turns between bursts, so requests are served; stop() walks on to the end of the cycle,
 * where all is undone. A client's transaction may take from the machine what a change needs: then the churn
 * stops, and says why.
 */
import { MemoryError } from '../base/errors.ts';
import { transaction } from '../model/transaction.ts';
import type { Machine } from '../service/machine.ts';
import { type ChurnPlan, planChurn } from '../verify/churn-plan.ts';
import { ProbeDevices } from '../verify/probe-devices.ts';
import { Random } from '../verify/random.ts';
import type { Commits } from './commits.ts';
import type { Inventory } from './inventory.ts';

/** Layouts a second, or as many as the machine takes. */
export type ChurnRate = number | 'max';

export interface ChurnState {
  readonly running: boolean;
  readonly rate: ChurnRate | null;
  /** Layouts published since it was started. */
  readonly published: number;
  /** What changes, in the order of the cycle. */
  readonly changes: readonly { readonly kind: string; readonly region: string }[];
  /** Why it stopped by itself. */
  readonly problem: string | null;
}

export interface ChurnParts {
  readonly machine: Machine;
  readonly commits: Commits;
  /** A layout has to wait until readers let go. */
  readonly onBackPressure: () => void;
  /** It ended by a fault of ours. */
  readonly onFault: (error: unknown) => void;
}

/** Longest time that a burst keeps requests waiting. */
const BURST_MS = 1;
/** Shortest pause at a rate that can be kept: what is due comes together, for the first of a burst costs most. */
const BEAT_MS = 5;
/** After the longest it looks whether the rate is another one. */
const PAUSE_MS_MAX = 50;
const BEHIND_MS_MAX = 20;
/** Thrown to take back what planning tried. */
const TAKE_BACK = Symbol('take back');

export class MachineChurn {
  private readonly parts: ChurnParts;
  private plan: ChurnPlan | null = null;
  private rate: ChurnRate = 'max';
  private step = 0;
  private published = 0;
  private problem: string | null = null;
  private running: Promise<void> | null = null;
  private isStopping = false;

  constructor(parts: ChurnParts) {
    this.parts = parts;
  }

  get state(): ChurnState {
    const { running, rate, published, plan, problem } = this;
    const changes = plan?.changes.map(({ kind, region }) => ({ kind, region: region.name })) ?? [];
    return { running: running !== null, rate: running === null ? null : rate, published, changes, problem };
  }

  /** Starts it, or goes on at another rate. */
  start(rate: ChurnRate, seed: number, inventory: Inventory): void {
    this.rate = rate;
    if (this.running !== null) return;
    this.plan = planFor(inventory, seed);
    this.step = 0;
    this.published = 0;
    this.problem = null;
    this.isStopping = false;
    this.running = this.run(this.plan).finally(() => {
      this.running = null;
    });
  }

  /** Resolves when the layout is as it was before. */
  async stop(): Promise<void> {
    this.isStopping = true;
    await this.running;
  }

  async close(): Promise<void> {
    this.plan = null; // no way back: the machine ends
    await this.stop();
  }

  private async run(plan: ChurnPlan): Promise<void> {
    try {
      let pace = new Pace(this.rate);
      while (!this.isStopping && !plan.isEmpty) {
        if (pace.rate !== this.rate) pace = new Pace(this.rate);
        await this.burst(plan, pace);
        await turn(pace.pauseMs());
      }
      while (this.plan !== null && this.step % plan.stateCount !== 0)
        if (!this.publish(plan)) await this.parts.machine.synchronize();
    } catch (error) {
      this.problem = error instanceof Error ? error.message : String(error);
      if (!(error instanceof MemoryError)) this.parts.onFault(error);
    }
  }

  /** As many as are due, for a short time. */
  private async burst(plan: ChurnPlan, pace: Pace): Promise<void> {
    const endMs = performance.now() + BURST_MS;
    while (pace.isDue() && performance.now() < endMs && !this.isStopping) {
      if (this.publish(plan)) pace.done += 1;
      else await this.parts.machine.synchronize();
    }
  }

  /** One step. False if the machine must wait for its readers first; then nothing has changed. */
  private publish(plan: ChurnPlan): boolean {
    try {
      this.parts.commits.run('churn', () => plan.apply(this.step + 1));
    } catch (error) {
      if (!(error instanceof MemoryError) || error.code !== 'BACK_PRESSURE') throw error;
      this.parts.onBackPressure();
      return false;
    }
    this.step += 1;
    this.published += 1;
    return true;
  }
}

/** When the next layout is due. Who has fallen behind by much does not make up for it: requests come first. */
class Pace {
  readonly rate: ChurnRate;
  done = 0;
  private sinceMs = performance.now();

  constructor(rate: ChurnRate) {
    this.rate = rate;
  }

  isDue(): boolean {
    return this.aheadMs() <= 0;
  }

  /** 0: let the event loop turn once. */
  pauseMs(): number {
    const aheadMs = this.aheadMs();
    if (aheadMs < -BEHIND_MS_MAX) {
      this.sinceMs = performance.now();
      this.done = 0;
    }
    return aheadMs <= 0 ? 0 : Math.min(PAUSE_MS_MAX, Math.max(BEAT_MS, aheadMs));
  }

  private aheadMs(): number {
    return this.rate === 'max' ? 0 : (1000 * this.done) / this.rate - (performance.now() - this.sinceMs);
  }
}

/** Finds what could change by trying; nobody sees the trials. */
function planFor(inventory: Inventory, seed: number): ChurnPlan {
  let plan: ChurnPlan | null = null;
  try {
    transaction(() => {
      const regions = [...inventory.regions.values()];
      plan = planChurn([...inventory.spaces.values()], regions, new ProbeDevices(), new Random(seed));
      throw TAKE_BACK;
    });
  } catch (error) {
    if (error !== TAKE_BACK) throw error;
  }
  return plan!;
}

/** Lets the event loop turn, for `ms` if that is more than 0. */
const turn = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    if (ms > 0) setTimeout(resolve, ms);
    else setImmediate(resolve);
  });
