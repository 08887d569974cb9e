/**
 * What the port's TLB was chosen among: the same loads by other lookups, in a vCPU's thread, all of them from RAM.
 * To be compared with each other, not with access/…: no port is around them, and no device among them.
 */
import { MemoryRegion } from '../src/model/memory-region.ts';
import type { Machine } from '../src/service/machine.ts';
import { alternativeSweeps } from './programs/alternatives.ts';
import type { Row } from './support/measure.ts';
import { mixStream } from './support/mix.ts';
import { measurePasses, type PassPlan } from './support/paced-vcpus.ts';
import { sequentialStream } from './support/stream.ts';

const RAM_START = 0x10_0000;
const WORD_COUNT = 65_536;

const show = (machine: Machine) => machine.addAddressSpace('memory', MemoryRegion.container('none', 1));

type Kind = keyof typeof alternativeSweeps;

const plansOf = (kind: Kind): [string, () => PassPlan][] => {
  const name = kind.replace('load-by-', 'alternative/');
  const sequential = (): PassPlan => ({ kind, stream: sequentialStream(RAM_START, WORD_COUNT), show });
  if (kind === 'load-by-no-lookup') return [[`${name}-sequential`, sequential]]; // knows one window only
  return [
    [`${name}-random`, () => ({ kind, stream: mixStream(), show })],
    [`${name}-sequential`, sequential],
  ];
};

/** By row: how to measure it. A test makes one pass of each. */
export const alternativePlans: Readonly<Record<string, () => PassPlan>> = Object.fromEntries(
  (Object.keys(alternativeSweeps) as Kind[]).flatMap(plansOf),
);

export const alternativeRows: readonly Row[] = Object.entries(alternativePlans).map(([name, plan]) => ({
  name,
  measure: () => measurePasses(plan()),
}));
