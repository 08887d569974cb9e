/**
 * Memory maps as drawings: one letter a page of 4 KiB, `.` where nothing answers, lower case where it is read-only.
 * Trees as nested calls: container('A', 0x8000, [at(0x1000, io('B', 0x1000), 2)]).
 */
import { MemoryRegion } from '../../src/model/memory-region.ts';
import type { MemoryRegionOptions } from '../../src/model/region-options.ts';
import { rangeAt } from '../../src/render/flat-view.ts';
import { renderFlatView } from '../../src/render/render.ts';

const PAGE_SIZE = 0x1000n;

export interface Placed {
  readonly offset: bigint | number;
  readonly region: MemoryRegion;
  readonly priority: number;
}

export const at = (offset: bigint | number, region: MemoryRegion, priority = 0): Placed => ({
  offset,
  region,
  priority,
});

/** Children are mapped in the order given, so among equals the last one wins. */
function filled(region: MemoryRegion, children: readonly Placed[]): MemoryRegion {
  for (const { offset, region: child, priority } of children)
    region.addSubregionOverlap(offset, child, priority);
  return region;
}

export const container = (
  name: string,
  size: bigint | number,
  children: readonly Placed[] = [],
  options?: MemoryRegionOptions,
): MemoryRegion => filled(MemoryRegion.container(name, size, options), children);

export const io = (
  name: string,
  size: bigint | number,
  children: readonly Placed[] = [],
  options?: MemoryRegionOptions,
): MemoryRegion => filled(MemoryRegion.io(name, size, null, options), children);

export const ram = (
  name: string,
  size: bigint | number,
  children: readonly Placed[] = [],
  options?: MemoryRegionOptions,
): MemoryRegion => filled(MemoryRegion.ram(name, size, options), children);

/** What answers in each page of the region, by its first letter; a page must not be divided. */
export function draw(root: MemoryRegion, size: bigint = root.size): string {
  const view = renderFlatView(root);
  let drawing = '';
  for (let page = 0n; page < size; page += PAGE_SIZE) {
    const range = rangeAt(view, page);
    const letter = range?.region.name[0] ?? '.';
    drawing += range?.readonly === true ? letter.toLowerCase() : letter.toUpperCase();
  }
  return drawing;
}

/** Each range as `start-last name+offset`, with `ro`, `nv`, `um` and `romd` where they are set. */
export const rangesOf = (root: MemoryRegion | null): string[] =>
  renderFlatView(root).ranges.map((range) => {
    const { region, start, size, offsetInRegion, readonly, nonvolatile, unmergeable, romd } = range;
    const marks = { ro: readonly, nv: nonvolatile, um: unmergeable, romd };
    const flags = Object.entries(marks).flatMap(([mark, isSet]) => (isSet ? [mark] : []));
    const place = `${start.toString(16)}-${(start + size - 1n).toString(16)}`;
    return [place, `${region.name}+${offsetInRegion.toString(16)}`, ...flags].join(' ');
  });
