/** The JSON form of flat views that all commands share: as in the layout format and the command contract. */
import { hexFromAddress } from '../base/addresses.ts';
import type { AddressSpace } from '../model/address-space.ts';
import { renderAddressSpaces, type SharedView } from '../render/address-space-views.ts';
import { type FlatRange, type FlatView, rangeType } from '../render/flat-view.ts';
import { type DispatchJson, dispatchJsonOf } from './dispatch-json.ts';
import { dispatchTreeOf } from './dispatch-tree.ts';
import type { FlatViewOptions } from './mtree-options.ts';
import type { RecordReader } from './record-reader.ts';
import { ownerInJson } from './region-owner.ts';
import { ADDRESS_SPACES_MAX } from './region-record.ts';

export interface FlatRangeJson {
  readonly start: string;
  /** Inclusive. */
  readonly last: string;
  readonly type: string;
  readonly name: string;
  /** Where in the region the range begins. */
  readonly offset: string;
  /** The region's own; not that of the aliases on the way. */
  readonly priority: number;
  /** With -o: as captured; null for an orphan. */
  readonly owner?: string | null;
}

export interface FlatJson {
  /** The names of the address spaces that share the view, sorted. */
  readonly addressSpaces: readonly string[];
  /** The name of the view root; null where nothing is rendered. */
  readonly root: string | null;
  readonly ranges: readonly FlatRangeJson[];
  /** With -d; null where nothing is rendered. */
  readonly dispatch?: DispatchJson | null;
}

const RANGES_MAX = 1 << 20;

/** The flat views of `spaces`, one for each view root, ordered by their address spaces' names. */
export function flatJsonOf(spaces: Iterable<AddressSpace>, options: FlatViewOptions = {}): FlatJson[] {
  return flatJsonFromViews(renderAddressSpaces(spaces), options);
}

export function flatJsonFromViews(views: readonly SharedView[], options: FlatViewOptions = {}): FlatJson[] {
  const { showOwners = false, dispatchPageBits } = options;
  const entries = views.map(({ spaces, view }) => ({
    addressSpaces: spaces.map((space) => space.name).sort(),
    root: view.root?.name ?? null,
    ranges: view.ranges.map((range) => rangeJson(range, showOwners)),
    ...(dispatchPageBits !== undefined && { dispatch: dispatchJson(view, dispatchPageBits) }),
  }));
  return entries
    .map((entry) => ({ entry, key: [...entry.addressSpaces, '', entry.root ?? ''].join('\0') }))
    .sort((a, b) => (a.key < b.key ? -1 : Number(a.key > b.key)))
    .map(({ entry }) => entry);
}

const dispatchJson = (view: FlatView, pageBits: number): DispatchJson | null =>
  view.ranges.length === 0 ? null : dispatchJsonOf(dispatchTreeOf(view, pageBits));

const rangeJson = (range: FlatRange, showOwners: boolean): FlatRangeJson => ({
  start: hexFromAddress(range.start),
  last: hexFromAddress(range.start + range.size - 1n),
  type: rangeType(range),
  name: range.region.name,
  offset: hexFromAddress(range.offsetInRegion),
  priority: range.region.priority,
  ...(showOwners && { owner: ownerInJson(range.region) }),
});

/** The field `flat` of a document: what QEMU printed. */
export function readFlat(reader: RecordReader): FlatJson[] {
  return reader.records('flat', ADDRESS_SPACES_MAX).map((entry) => ({
    addressSpaces: entry.strings('addressSpaces', ADDRESS_SPACES_MAX),
    root: entry.stringOrNull('root'),
    ranges: entry.records('ranges', RANGES_MAX).map((range) => ({
      start: hexFromAddress(range.address('start')),
      last: hexFromAddress(range.address('last')),
      type: range.string('type'),
      name: range.string('name'),
      offset: hexFromAddress(range.address('offset')),
      priority: range.priority('priority'),
    })),
  }));
}
