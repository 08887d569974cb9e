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

/** Longest time that a burst keeps requests waiting. */
const BURST_MS = 1;
const PAUSE_MS_MAX = 50;
/** Thrown to take back what planning tried. */
const TAKE_BACK = Symbol('take back');

export class MachineChurn {
  private readonly machine: Machine;
  private readonly commits: Commits;
  private readonly onBackPressure: () => void;
  private plan: ChurnPlan | null = null;
  private rate: ChurnRate = 'max';
  private step = 0;
  private published = 0;
  private problem: string | null = null;
  private running: Promise<void> | null = null;
  private isStopping = false;

  constructor(machine: Machine, commits: Commits, onBackPressure: () => void) {
    this.machine = machine;
    this.commits = commits;
    this.onBackPressure = onBackPressure;
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
    let begin = performance.now();
    let { rate } = this;
    let due = 0;
    try {
      while (!this.isStopping && !plan.isEmpty) {
        if (rate !== this.rate) {
          rate = this.rate;
          begin = performance.now();
          due = 0;
        }
        const burstEnd = performance.now() + BURST_MS;
        for (let now = performance.now(); now < burstEnd && !this.isStopping; now = performance.now()) {
          if (rate !== 'max' && due >= ((now - begin) / 1000) * rate) break;
          if (!this.publish(plan)) await this.machine.synchronize();
          else due += 1;
        }
        const nextMs = rate === 'max' ? 0 : (1000 * due) / rate - (performance.now() - begin);
        await turn(Math.min(nextMs, PAUSE_MS_MAX));
      }
      while (this.plan !== null && this.step % plan.stateCount !== 0)
        if (!this.publish(plan)) await this.machine.synchronize();
    } catch (error) {
      if (!(error instanceof MemoryError)) throw error;
      this.problem = error.message;
    }
  }

  /** One step. False if the machine must wait for its readers first; then nothing has changed. */
  private publish(plan: ChurnPlan): boolean {
    try {
      this.commits.run('churn', () => plan.apply(this.step + 1));
    } catch (error) {
      if (!(error instanceof MemoryError) || error.code !== 'BACK_PRESSURE') throw error;
      this.onBackPressure();
      return false;
    }
    this.step += 1;
    this.published += 1;
    return true;
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

/** Lets the event loop turn, for `ms` if that is worth a timer. */
const turn = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    if (ms >= 1) setTimeout(resolve, ms);
    else setImmediate(resolve);
  });
