/**
 * What a tree of plain records shows, by the rule itself: who answers at ONE address is asked at every address where
 * anything begins or ends, and equal neighbours are joined. No windows, no index, no layers: slow, and short enough
 * to be believed. It shares nothing with src/.
 */
import { type RandomTree, ROOT, type TreeFlag } from './random-tree.ts';

export interface Answer extends Record<Exclude<TreeFlag, 'enabled'>, boolean> {
  /** Index of a RAM region. */
  readonly region: number;
  readonly offset: bigint;
  /** The regions on the way to it. */
  readonly path: string;
}

export interface LiteralRange extends Answer {
  readonly start: bigint;
  readonly size: bigint;
}

const SIZE_2_64 = 2n ** 64n;

/** Null where nothing answers. */
export const answerAt = (tree: RandomTree, address: bigint): Answer | null => answerIn(tree, ROOT, address);

function answerIn(tree: RandomTree, region: number, offset: bigint): Answer | null {
  const { kind, size, target, aliasOffset, flags } = tree.regions[region]!;
  if (!flags.enabled || offset < 0n || offset >= size) return null;
  const found =
    target === null ? answerOfChild(tree, region, offset) : answerIn(tree, target, aliasOffset + offset);
  if (found === null) return kind === 'ram' ? { region, offset, path: `${region}`, ...own(flags) } : null;
  return {
    region: found.region,
    offset: found.offset,
    path: `${region}/${found.path}`,
    readonly: found.readonly || flags.readonly,
    nonvolatile: found.nonvolatile || flags.nonvolatile,
    unmergeable: found.unmergeable || flags.unmergeable,
  };
}

function answerOfChild(tree: RandomTree, parent: number, offset: bigint): Answer | null {
  for (const child of tree.childrenByParent[parent]!) {
    const found = answerIn(tree, child, offset - tree.regions[child]!.place!.address);
    if (found !== null) return found;
  }
  return null;
}

const own = ({ readonly, nonvolatile, unmergeable }: Record<TreeFlag, boolean>) => ({
  readonly,
  nonvolatile,
  unmergeable,
});

/** Ascending: between two of them nothing begins or ends. The first is 0. */
export function cutsOf(tree: RandomTree): readonly bigint[] {
  const cuts = new Set([0n]);
  const note = (region: number, base: bigint): void => {
    const { size, target, aliasOffset } = tree.regions[region]!;
    for (const cut of [base, base + size]) if (cut > 0n && cut < SIZE_2_64) cuts.add(cut);
    if (target !== null) note(target, base - aliasOffset);
    else
      for (const child of tree.childrenByParent[region]!)
        note(child, base + tree.regions[child]!.place!.address);
  };
  note(ROOT, 0n);
  return [...cuts].sort((a, b) => (a < b ? -1 : 1));
}

/** Ascending. Neighbours that continue each other are one range, but of what is unmergeable only on one way. */
export function rangesOf(tree: RandomTree): readonly LiteralRange[] {
  const ranges: LiteralRange[] = [];
  const cuts = cutsOf(tree);
  for (const [index, start] of cuts.entries()) {
    const answer = answerAt(tree, start);
    if (answer === null) continue;
    const size = (cuts[index + 1] ?? SIZE_2_64) - start;
    const before = ranges.at(-1);
    if (before !== undefined && continues(before, { ...answer, start, size }))
      ranges[ranges.length - 1] = { ...before, size: before.size + size };
    else ranges.push({ ...answer, start, size });
  }
  return ranges;
}

const continues = (a: LiteralRange, b: LiteralRange): boolean =>
  a.start + a.size === b.start &&
  a.region === b.region &&
  a.offset + a.size === b.offset &&
  a.readonly === b.readonly &&
  a.nonvolatile === b.nonvolatile &&
  a.unmergeable === b.unmergeable &&
  (!a.unmergeable || a.path === b.path);
