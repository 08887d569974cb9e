/** From an address to its section by the published map alone: what every TLB miss pays. */
import { findSection } from '../src/dispatch/find-section.ts';
import { rootWord, type SharedWords } from '../src/layout/control-block.ts';
import { cellWord } from '../src/layout/map-entry.ts';
import { VIEW_MAP_ROOT } from '../src/layout/view-header.ts';
import { Machine } from '../src/service/machine.ts';
import { BAR_BYTES, BAR_STRIDE, BARS_START, manyBars } from './support/many-bars.ts';
import { type Measured, measureCalls, type Row } from './support/measure.ts';
import { mixStream, showMix } from './support/mix.ts';
import { Random } from './support/random.ts';
import { sharedInts } from './support/stream.ts';

/** A published map and addresses to look up in it. */
export interface Lookups {
  readonly arena: SharedWords;
  readonly mapRoot: number;
  readonly his: Int32Array;
  readonly los: Int32Array;
  close(): Promise<void>;
}

type Addresses = Pick<Lookups, 'his' | 'los'>;

function lookupsIn(machine: Machine, { his, los }: Addresses): Lookups {
  const arena = new Int32Array(machine.shared.arena);
  const view = new Int32Array(machine.shared.control)[rootWord(0)]!;
  const mapRoot = arena[cellWord(view) + VIEW_MAP_ROOT]!;
  return { arena, mapRoot, his, los, close: () => machine.close() };
}

/** Some 50 sections: the addresses of the mix. */
export function mixLookups(): Lookups {
  const machine = new Machine({ ramReserveBytes: 2 ** 26, arenaBytes: 2 ** 22 });
  const stream = mixStream();
  showMix(machine, stream);
  return lookupsIn(machine, stream);
}

/** Addresses in random BARs. @param regionCount as of manyBars() */
export function manyLookups(regionCount: number): Lookups {
  const machine = new Machine({ ramReserveBytes: 2 ** 26, arenaBytes: 2 ** 28 });
  const { root, bars } = manyBars(regionCount);
  machine.addAddressSpace('memory', root);
  const random = new Random(3);
  const his = sharedInts(65_536);
  const los = sharedInts(
    65_536,
    () => (BARS_START + random.below(bars.length) * BAR_STRIDE + random.below(BAR_BYTES)) | 0,
  );
  return lookupsIn(machine, { his, los });
}

export async function measureLookups(lookups: Lookups): Promise<Measured> {
  const { arena, mapRoot, his, los } = lookups;
  const sweep = (): number => {
    let cells = 0;
    for (let i = 0; i < los.length; i += 1) cells ^= findSection(arena, mapRoot, his[i]!, los[i]!);
    return cells;
  };
  try {
    return await measureCalls(sweep, { operations: los.length });
  } finally {
    await lookups.close();
  }
}

export const lookupRows: readonly Row[] = [
  { name: 'lookup/radix', measure: () => measureLookups(mixLookups()) },
  { name: 'lookup/radix-10000', measure: () => measureLookups(manyLookups(10_000)) },
];
