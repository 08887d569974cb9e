/** One transaction from its mutator to the published map, by the number of regions that show. */
import { Machine } from '../src/service/machine.ts';
import { BAR_BYTES, manyBars, REGION_COUNTS } from './support/many-bars.ts';
import { measureCalls, type Row } from './support/measure.ts';

/** A machine without vCPUs, so nothing delays the reuse of what a commit replaces. */
export interface Commits {
  readonly machine: Machine;
  /** Moves the BAR in the middle into the gap after it; the next time back. */
  move(): void;
  /** Switches its decoding off; the next time on. */
  toggle(): void;
}

export function commitsAmong(regionCount: number): Commits {
  const machine = new Machine({ ramReserveBytes: 2 ** 24, arenaBytes: 2 ** 27 });
  const { root, bars } = manyBars(regionCount);
  machine.addAddressSpace('memory', root);
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
    measure: async () => {
      const { machine, move, toggle } = commitsAmong(regionCount);
      try {
        return await measureCalls(what === 'bar-move' ? move : toggle, { operations: 1 });
      } finally {
        await machine.close();
      }
    },
  }));

export const commitRows: readonly Row[] = REGION_COUNTS.flatMap(rowsFor);
