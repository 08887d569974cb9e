/**
 * A layout as plain data, what a transaction does to it, and who answers in it at one address. It is the oracle of
 * the linearizability checker: literal, byte by byte, slow, and without a line of src.
 * Guarantee: a layout and the regions in it never change; an edit gives another one.
 */
export type RecordedKind = 'container' | 'alias' | 'ram' | 'rom-device' | 'local' | 'homed';

export interface RecordedRegion {
  readonly name: string;
  readonly kind: RecordedKind;
  readonly enabled: boolean;
  readonly readonly: boolean;
  /** Of a ROM device: whether reads go to its bytes, not to its callbacks. */
  readonly romd: boolean;
  /** Bytes from the start of its container. */
  readonly address: number;
  readonly size: number;
  readonly priority: number;
  /** Numbers of the regions that are mapped in it, in the order in which they were mapped or moved. */
  readonly children: readonly number[];
  /** Of an alias: the number of the region that it shows, and where it begins in it. */
  readonly target: number;
  readonly aliasOffset: number;
}

export interface RecordedLayout {
  /** By their numbers, which are the same in all layouts of a history. */
  readonly regions: readonly RecordedRegion[];
  /** For each address space, the number of its root. */
  readonly roots: readonly number[];
}

/** One call of a mutator. */
export type Edit =
  | { readonly op: 'move'; readonly region: number; readonly address: number }
  | { readonly op: 'enable'; readonly region: number; readonly enabled: boolean }
  | { readonly op: 'protect'; readonly region: number; readonly readonly: boolean }
  | { readonly op: 'romd'; readonly region: number; readonly romd: boolean }
  | { readonly op: 'resize'; readonly region: number; readonly size: number }
  | { readonly op: 'show'; readonly region: number; readonly aliasOffset: number }
  | {
      readonly op: 'map';
      readonly region: number;
      readonly container: number;
      readonly address: number;
      readonly priority: number;
    }
  | { readonly op: 'unmap'; readonly region: number }
  | { readonly op: 'root'; readonly space: number; readonly region: number };

/** Who answers for one byte. */
export interface Answer {
  readonly region: number;
  readonly kind: RecordedKind;
  readonly romd: boolean;
  readonly offset: number;
  /** Whether anything on the way down is readonly. */
  readonly readonly: boolean;
}

/** Mapped nowhere, with what most regions have. */
export const recordedRegion = (
  name: string,
  kind: RecordedKind,
  size: number,
  more: Partial<RecordedRegion> = {},
): RecordedRegion => ({
  ...{ name, kind, size, enabled: true, readonly: false, romd: true, address: 0, priority: 0 },
  ...{ children: [], target: -1, aliasOffset: 0 },
  ...more,
});

/** The container where `region` is mapped; -1: none. */
export const containerOf = ({ regions }: RecordedLayout, region: number): number =>
  regions.findIndex(({ children }) => children.includes(region));

/** The layout after `edit`. */
export function edited(layout: RecordedLayout, edit: Edit): RecordedLayout {
  if (edit.op === 'root') return { ...layout, roots: layout.roots.with(edit.space, edit.region) };
  const { region } = edit;
  const before = layout.regions[region]!;
  const container = containerOf(layout, region);
  switch (edit.op) {
    case 'move': {
      if (edit.address === before.address) return layout; // it keeps its rank too
      const moved = replaced(layout, region, { address: edit.address });
      return container < 0 ? moved : asNewest(moved, container, region);
    }
    case 'map': {
      const placed = replaced(without(layout, container, region), region, {
        address: edit.address,
        priority: edit.priority,
      });
      return asNewest(placed, edit.container, region);
    }
    case 'unmap':
      return without(layout, container, region);
    default: {
      const { op: _, region: __, ...change } = edit;
      return replaced(layout, region, change);
    }
  }
}

/** Who answers at `address` of an address space with that root; null: nobody. */
export const answerAt = (layout: RecordedLayout, root: number, address: number): Answer | null =>
  answerIn(layout, root, address - layout.regions[root]!.address, false);

function answerIn(layout: RecordedLayout, number: number, offset: number, below: boolean): Answer | null {
  const region = layout.regions[number]!;
  const { kind } = region;
  if (!region.enabled || offset < 0 || offset >= region.size) return null;
  const readonly = below || region.readonly;
  if (kind === 'alias') return answerIn(layout, region.target, region.aliasOffset + offset, readonly);
  // Of the children that answer the one of highest priority, among equals the one that came last.
  let best: Answer | null = null;
  let priority = 0;
  for (const child of region.children) {
    const { address, priority: rank } = layout.regions[child]!;
    const answer = answerIn(layout, child, offset - address, readonly);
    if (answer === null || (best !== null && rank < priority)) continue;
    best = answer;
    priority = rank;
  }
  if (best !== null || kind === 'container') return best;
  return { region: number, kind, romd: region.romd, offset, readonly };
}

const replaced = (
  layout: RecordedLayout,
  region: number,
  change: Partial<RecordedRegion>,
): RecordedLayout => ({
  ...layout,
  regions: layout.regions.with(region, { ...layout.regions[region]!, ...change }),
});

function without(layout: RecordedLayout, container: number, region: number): RecordedLayout {
  if (container < 0) return layout;
  const { children } = layout.regions[container]!;
  return replaced(layout, container, { children: children.filter((child) => child !== region) });
}

function asNewest(layout: RecordedLayout, container: number, region: number): RecordedLayout {
  const left = without(layout, container, region);
  return replaced(left, container, { children: [...left.regions[container]!.children, region] });
}
