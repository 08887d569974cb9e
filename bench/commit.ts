/** One transaction from its mutator to the published map, by the number of regions that show. */
import { Machine } from '../src/service/machine.ts';
import { BAR_BYTES, manyBars, REGION_COUNTS } from './support/many-bars.ts';
import { type Measured, measureCalls, type Row } from './support/measure.ts';

/** A machine without vCPUs, so nothing delays the reuse of what a commit replaces. */
export interface Commits {
  readonly machine: Machine;
  /** Moves the BAR in the middle into the gap after it; the next time back. */
  move(): void;
  /** Switches its decoding off; the next time on. */
  toggle(): void;
}

/** @param spaceCount address spaces that show the same root */
export function commitsAmong(regionCount: number, spaceCount = 1): Commits {
  const machine = new Machine({ ramReserveBytes: 2 ** 24, arenaBytes: 2 ** 27 });
  const { root, bars } = manyBars(regionCount);
  for (let i = 0; i < spaceCount; i += 1) machine.addAddressSpace(`memory-${i}`, root);
  const bar = bars[bars.length >>> 1]!;
  const home = bar.address;
  return {
    machine,
    move: () => bar.setAddress(bar.address === home ? home + BigInt(BAR_BYTES) : home),
    toggle: () => bar.setEnabled(!bar.enabled),
  };
}

const rowsFor = (regionCount: number): Row[] =>
  (['bar-move', 'enable-toggle'] as const).map((what) => ({
    name: `commit/${what}-${regionCount}`,
    measure: () => measureCommits(commitsAmong(regionCount), what === 'bar-move' ? 'move' : 'toggle'),
  }));

export async function measureCommits(commits: Commits, change: 'move' | 'toggle'): Promise<Measured> {
  try {
    return await measureCalls(() => commits[change](), { operations: 1 });
  } finally {
    await commits.machine.close();
  }
}

export const commitRows: readonly Row[] = REGION_COUNTS.flatMap(rowsFor);
