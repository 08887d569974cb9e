/**
 * What readers pay while the layout changes: one vCPU reads the mix with a checkpoint every 1024 accesses, and
 * the control thread publishes, at an even rate, a move of one of the mix's 32 BARs to another place or back.
 * Quiet passes and churned ones alternate on the same vCPU, so that both see the same machine.
 */
import { MemoryError } from '../src/base/errors.ts';
import type { MemoryRegion } from '../src/model/memory-region.ts';
import { type Measured, measureReported, type Row } from './support/measure.ts';
import { mixStream, showMix } from './support/mix.ts';
import { measurePasses, PacedVcpus, type PassPlan } from './support/paced-vcpus.ts';
import { Pacer } from './support/pacer.ts';

/** Above all that the mix reads. */
const OTHER_PLACE = 0xff00_0000n;
/** Sweeps in a pass: some 20 ms, 200 publications at 10,000 a second. */
const ROUNDS = 32;
/** The share of the asked rate from which on it counts as reached. */
const RATE_REACHED = 0.99;

export const MOVED_BAR = 'bar-0';

/** Readers of the mix, and how to move one of its BARs; `plan` shows it all. */
export interface ChurnedMix {
  readonly plan: PassPlan;
  /** Publishes one move. False if the machine must wait for its readers first; then nothing has changed. */
  readonly move: () => boolean;
  /** Moves it back if it is away. */
  readonly settle: () => void;
}

export function churnedMix(): ChurnedMix {
  const stream = mixStream();
  let bar: MemoryRegion;
  let home = 0n;
  return {
    plan: {
      kind: 'load-checkpointed',
      stream,
      rounds: ROUNDS,
      show: (machine) => {
        bar = showMix(machine, stream).get(MOVED_BAR)!;
        home = bar.address;
      },
    },
    move: () => {
      try {
        bar.setAddress(bar.address === home ? OTHER_PLACE : home);
        return true;
      } catch (error) {
        if (error instanceof MemoryError && error.code === 'BACK_PRESSURE') return false;
        throw error;
      }
    },
    settle: () => bar.setAddress(home),
  };
}

/**
 * An access while `perSecond` layouts a second are published (Infinity: as many as it goes; 0: none, but the
 * control thread spins as if it would). Its figures say which rate it was, and what share of the throughput
 * of the quiet passes was left.
 */
export async function measureChurned(perSecond: number): Promise<Measured> {
  const { plan, move, settle } = churnedMix();
  const vcpus = await PacedVcpus.start(plan);
  const pacer = new Pacer(perSecond, move);
  const quietNs: number[] = [];
  try {
    const alternate = async (): Promise<number> => {
      quietNs.push(await vcpus.turn());
      const ns = await vcpus.turn(pacer);
      settle();
      return ns;
    };
    const operations = plan.stream.los.length * ROUNDS;
    const measured = await measureReported(alternate, { operations, threads: 2, budgetMs: 1500 });
    const quiet = quietNs.toSorted((a, b) => a - b);
    const figures = {
      publicationsPerSecond: Math.round(pacer.perSecond),
      throughputOfQuiet: quiet[quiet.length >>> 1]! / operations / measured.median,
      throughputOfQuietAtBest: quiet[0]! / operations / measured.best,
      ...(Number.isFinite(perSecond) ? { askedPerSecond: perSecond } : {}),
    };
    return { ...measured, figures: { ...figures, ...shortfall(perSecond, pacer.perSecond) } };
  } finally {
    await vcpus.close();
  }
}

/** A figure of its own where the machine could not publish as often as asked: the row is of another load. */
const shortfall = (asked: number, reached: number): Record<string, number> =>
  Number.isFinite(asked) && reached < asked * RATE_REACHED ? { rateMissedBy: 1 - reached / asked } : {};

export const churnRows: readonly Row[] = [
  { name: 'churn/readers-quiet', measure: () => measurePasses(churnedMix().plan) },
  { name: 'churn/readers-spinning', measure: () => measureChurned(0) },
  { name: 'churn/readers-10000', measure: () => measureChurned(10_000) },
];
