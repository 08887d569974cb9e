/** Random layouts for property tests: small enough to ask about each address, with all that may go wrong in them. */
import fc from 'fast-check';
import { checkLayout } from '../../src/qemu/layout-graph.ts';
import type { ChildRecord, LayoutState, RegionRecord } from '../../src/qemu/region-record.ts';

/** Addresses on which interesting things happen: the first and the last of the address space. */
export const SPAN = 48n;
const TOP = 1n << 64n;
export const interestingAddresses = (): bigint[] => {
  const addresses: bigint[] = [];
  for (let step = 0n; step < SPAN; step++) addresses.push(step, TOP - 1n - step);
  return addresses;
};

interface Seed {
  readonly kind: RegionRecord['kind'];
  readonly size: bigint;
  readonly flags: { enabled: boolean; readonly: boolean; nonvolatile: boolean; romd: boolean };
  readonly place: { parent: number; offset: bigint; priority: number; rank: number };
  readonly show: { target: number; offset: bigint };
}

const smallOrNearTop = fc.oneof(
  { weight: 6, arbitrary: fc.bigInt(0n, SPAN / 2n) },
  { weight: 1, arbitrary: fc.bigInt(TOP - SPAN / 2n, TOP - 1n) },
);

const seed = (): fc.Arbitrary<Seed> =>
  fc.record({
    kind: fc.constantFrom<RegionRecord['kind']>(
      'container',
      'container',
      'io',
      'ram',
      'rom-device',
      'alias',
      'alias',
    ),
    size: fc.oneof(
      { weight: 8, arbitrary: fc.bigInt(0n, SPAN) },
      { weight: 1, arbitrary: fc.constantFrom(1n, TOP, TOP - 1n) },
    ),
    flags: fc.record({
      enabled: fc.integer({ min: 0, max: 7 }).map((number) => number > 0),
      readonly: fc.integer({ min: 0, max: 4 }).map((number) => number === 0),
      nonvolatile: fc.integer({ min: 0, max: 6 }).map((number) => number === 0),
      romd: fc.boolean(),
    }),
    place: fc.record({
      parent: fc.nat(1000),
      offset: smallOrNearTop,
      priority: fc.integer({ min: -1, max: 1 }),
      rank: fc.nat(1000),
    }),
    show: fc.record({ target: fc.nat(1000), offset: smallOrNearTop }),
  });

const SOURCE = { file: 'random layout', code: 'INVALID_LAYOUT' } as const;

export interface RandomLayoutOptions {
  readonly regionsMax?: number;
  /** Whether aliases may show what they are in. */
  readonly cycles?: boolean;
  /** Whether RAM may be too large to be backed, so that a machine refuses it; true by default. */
  readonly hugeRam?: boolean;
}

/**
 * A layout of two address spaces. Region 0 is a container of 2^64 and root of the first. Each other region is
 * a child of an earlier one, or of none; an alias shows a later one, or (with cycles) any other.
 */
export const randomLayout = ({
  regionsMax = 14,
  cycles = false,
  hugeRam = true,
}: RandomLayoutOptions = {}): fc.Arbitrary<LayoutState> =>
  fc
    .tuple(fc.array(seed(), { minLength: 2, maxLength: regionsMax }), fc.nat(1000))
    .map(([seeds, secondRoot]) => layoutFromSeeds(hugeRam ? seeds : seeds.map(backed), secondRoot, cycles));

/** The same, but as an I/O region where it would be RAM that no machine has. */
const backed = (seed: Seed): Seed =>
  seed.size > SPAN && seed.kind !== 'container' ? { ...seed, kind: 'io' } : seed;

function layoutFromSeeds(seeds: readonly Seed[], secondRoot: number, cycles: boolean): LayoutState {
  const kinds = seeds.map(({ kind }, index) => {
    if (index === 0) return 'container';
    // Without cycles the last region has nothing later to show.
    return kind === 'alias' && !cycles && index === seeds.length - 1 ? 'ram' : kind;
  });
  const targets = seeds.map(({ show }, index) => targetOf(show.target, index, kinds, cycles));
  const children = childrenOf(seeds, kinds);
  const records = seeds.map(({ size, flags, place, show }, index): RegionRecord => {
    const target = targets[index]!;
    const kind = kinds[index] === 'alias' && target === null ? 'ram' : kinds[index]!;
    return {
      ...flags,
      id: `r${index}`,
      name: `region ${index}`,
      kind,
      owner: null,
      enabled: index === 0 || flags.enabled,
      size: index === 0 ? TOP : size,
      alias: kind === 'alias' ? { target: `r${target}`, offset: show.offset } : null,
      address: index === 0 ? 0n : place.offset,
      priority: place.priority,
      children: kind === 'alias' ? [] : children[index]!,
      path: `regions[${index}]`,
    };
  });
  return checkLayout(SOURCE, new Map(records.map((record) => [record.id, record])), [
    { name: 'first', root: 'r0', path: '' },
    { name: 'second', root: `r${secondRoot % seeds.length}`, path: '' },
  ]);
}

/** Chains of aliases end: with cycles an alias shows only what is none. */
function targetOf(choice: number, index: number, kinds: readonly string[], cycles: boolean): number | null {
  const candidates = kinds.flatMap((kind, other) =>
    (cycles ? kind !== 'alias' : other > index) ? [other] : [],
  );
  return candidates.length === 0 ? null : candidates[choice % candidates.length]!;
}

function childrenOf(seeds: readonly Seed[], kinds: readonly string[]): ChildRecord[][] {
  const ranked: (ChildRecord & { rank: number })[][] = seeds.map(() => []);
  for (const [index, { place }] of seeds.entries()) {
    const parents = kinds.flatMap((kind, other) => (other < index && kind !== 'alias' ? [other] : []));
    if (place.parent % 5 === 0 || parents.length === 0) continue; // in no container
    const { offset, priority, rank } = place;
    ranked[parents[place.parent % parents.length]!]!.push({ id: `r${index}`, offset, priority, rank });
  }
  return ranked.map((children) =>
    children
      .sort((a, b) => b.priority - a.priority || a.rank - b.rank)
      .map(({ id, offset, priority }) => ({ id, offset, priority })),
  );
}
