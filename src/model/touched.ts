/**
 * Which addresses of a view can look different after a transaction. Mutators say what they touched, within a region;
 * from there the windows are carried up, over containers and aliases, to the regions where views begin.
 * Guarantee: outside of the windows a view root shows what it showed before, unless its own address has changed.
 * A window may be too wide, never too narrow.
 */
import type { MemoryRegion } from './memory-region.ts';

/** Part of an address space or a region, in bytes; `end` is exclusive. */
export interface Extent {
  readonly start: bigint;
  readonly end: bigint;
}

/**
 * An extent of `region`, counted from its start. Where something vanished, it was there as the tree was then; if
 * what is above was moved in the same transaction, that has been touched itself, as a whole.
 */
export interface Touched extends Extent {
  readonly region: MemoryRegion;
}

export const touchedWhole = (region: MemoryRegion, size = region.size): Touched => ({
  region,
  start: 0n,
  end: size,
});

/** Where `region` lies in its container, before it leaves that place or becomes smaller. */
export const touchedPlace = ({ container, address, size }: MemoryRegion): Touched[] =>
  container === null ? [] : [{ region: container, start: address, end: address + size }];

/** More windows in a region become one around them all. */
const WINDOWS_MAX = 16;
/** A region that was reached more often, by aliases of itself, is touched as a whole. */
const VISITS_MAX = 64;

/** Disjoint extents with gaps between them, ascending. */
export function extentsWith(extents: readonly Extent[], { start, end }: Extent): readonly Extent[] {
  if (start >= end) return extents;
  if (extents.length === 0) return [{ start, end }];
  if (extents.some((known) => known.start <= start && known.end >= end)) return extents;
  const apart: Extent[] = [];
  const joined = { start, end };
  for (const known of extents) {
    if (known.end < joined.start || known.start > joined.end) apart.push(known);
    else {
      if (known.start < joined.start) joined.start = known.start;
      if (known.end > joined.end) joined.end = known.end;
    }
  }
  const at = apart.findIndex((known) => known.start > joined.start);
  apart.splice(at < 0 ? apart.length : at, 0, joined);
  if (apart.length <= WINDOWS_MAX) return apart;
  return [{ start: apart[0]!.start, end: apart.at(-1)!.end }];
}

/** For each region that shows something touched: where, within it. */
export function carryUp(touched: Iterable<Touched>): ReadonlyMap<MemoryRegion, readonly Extent[]> {
  const windows = new Map<MemoryRegion, readonly Extent[]>();
  const visits = new Map<MemoryRegion, number>();
  const open: Touched[] = [];
  const note = (region: MemoryRegion, start: bigint, end: bigint): void => {
    const known = windows.get(region) ?? [];
    const after = extentsWith(known, { start, end });
    if (after === known) return;
    windows.set(region, after);
    open.push({ region, start, end });
  };
  /** Of what is above, only what it shows of this. */
  const pass = (above: MemoryRegion, start: bigint, end: bigint): void => {
    if (!above.enabled) return; // it hides this; if it did not before, it has been touched as a whole
    const count = (visits.get(above) ?? 0) + 1;
    visits.set(above, count);
    if (count > VISITS_MAX) note(above, 0n, above.size);
    else note(above, start > 0n ? start : 0n, end < above.size ? end : above.size);
  };
  for (const { region, start, end } of touched) note(region, start, end);
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { region, start, end } = next;
    const { container } = region;
    if (container !== null) pass(container, start + region.address, end + region.address);
    for (const alias of region.links.seenBy) pass(alias, start - alias.aliasOffset, end - alias.aliasOffset);
  }
  return windows;
}
