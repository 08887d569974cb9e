/** Listeners for tests: one that notes what it is told, and one that mirrors its address space from that alone. */
import { expect } from 'vitest';
import type { EventNotifier } from '../../src/base/event-notifier.ts';
import type { MemoryListener, SeenEventfd } from '../../src/publish/memory-listener.ts';
import type { FlatRange, FlatView } from '../../src/render/flat-view.ts';
import type { MemoryRegionSection } from '../../src/render/memory-region-section.ts';

export const notifier = (id: number): EventNotifier => ({ id });

const hex = (address: bigint): string => address.toString(16);

/** `start-last region+offset`, with `ro` where it is. */
export function sectionText(section: MemoryRegionSection): string {
  const start = section.offsetWithinAddressSpace;
  const place = `${hex(start)}-${hex(start + section.size - 1n)}`;
  const what = `${section.region.name}+${hex(section.offsetWithinRegion)}`;
  return [place, what, ...(section.readonly ? ['ro'] : [])].join(' ');
}

export const eventfdText = ({ offsetWithinAddressSpace, size, match, notifier }: SeenEventfd): string =>
  `${hex(offsetWithinAddressSpace)}/${size}${match === null ? '' : `=${match}`} #${notifier.id}`;

const coalescedText = (start: bigint, size: bigint): string => `${hex(start)}-${hex(start + size - 1n)}`;

/** Writes a line for each callback into `log`: its name, what it was called, what with. */
export function recorder(
  log: string[],
  options: { name?: string; priority?: number; fullPass?: boolean } = {},
): MemoryListener {
  const { name = '', priority = 0, fullPass = false } = options;
  const note = (callback: string, ...what: unknown[]): void => {
    log.push([...(name === '' ? [] : [name]), callback, ...what].join(' '));
  };
  return {
    name,
    priority,
    fullPass,
    begin: () => note('begin'),
    commit: () => note('commit'),
    regionAdd: (section) => note('add', sectionText(section)),
    regionDel: (section) => note('del', sectionText(section)),
    regionNop: (section) => note('nop', sectionText(section)),
    logStart: (section, old, now) => note('logStart', section.region.name, `${old}>${now}`),
    logStop: (section, old, now) => note('logStop', section.region.name, `${old}>${now}`),
    logSync: (section) => note('logSync', sectionText(section)),
    logClear: (section) => note('logClear', sectionText(section)),
    logGlobalStart: () => note('logGlobalStart'),
    logGlobalStop: () => note('logGlobalStop'),
    logGlobalAfterSync: () => note('logGlobalAfterSync'),
    eventfdAdd: (_section, eventfd) => note('eventfdAdd', eventfdText(eventfd)),
    eventfdDel: (_section, eventfd) => note('eventfdDel', eventfdText(eventfd)),
    coalescedIoAdd: (_section, start, size) => note('coalescedAdd', coalescedText(start, size)),
    coalescedIoDel: (_section, start, size) => note('coalescedDel', coalescedText(start, size)),
  };
}

/** What a listener must know of an address space. */
export interface Mirrored {
  readonly ranges: readonly string[];
  readonly masks: readonly string[];
  readonly eventfds: readonly string[];
  readonly coalesced: readonly string[];
}

/** Knows only what it is told, and refuses what contradicts it. */
export class MirrorListener implements MemoryListener {
  readonly name = 'mirror';
  readonly priority = 0;
  private readonly ranges = new Map<string, number>();
  private readonly eventfds: string[] = [];
  private readonly coalesced: string[] = [];

  get state(): Mirrored {
    return {
      ranges: [...this.ranges.keys()].sort(),
      masks: [...this.ranges].map(([range, mask]) => `${range} ${mask}`).sort(),
      eventfds: this.eventfds.toSorted(),
      coalesced: this.coalesced.toSorted(),
    };
  }

  regionAdd(section: MemoryRegionSection): void {
    const range = exactText(section);
    expect(this.ranges.has(range), `${range} is new`).toBe(false);
    this.ranges.set(range, 0);
  }
  regionDel(section: MemoryRegionSection): void {
    expect(this.ranges.get(exactText(section)), `${exactText(section)} is known and not logged`).toBe(0);
    this.ranges.delete(exactText(section));
  }
  logStart(section: MemoryRegionSection, old: number, now: number): void {
    expect(now & ~old).not.toBe(0);
    this.setMask(section, old & ~now, now);
  }
  logStop(section: MemoryRegionSection, old: number, now: number): void {
    expect(old & ~now).not.toBe(0);
    this.setMask(section, 0, now);
  }
  eventfdAdd(section: MemoryRegionSection, eventfd: SeenEventfd): void {
    expect(this.ranges.has(exactText(section))).toBe(true);
    this.eventfds.push(eventfdText(eventfd));
  }
  eventfdDel(_section: MemoryRegionSection, eventfd: SeenEventfd): void {
    take(this.eventfds, eventfdText(eventfd));
  }
  coalescedIoAdd(section: MemoryRegionSection, start: bigint, size: bigint): void {
    expect(this.ranges.has(exactText(section))).toBe(true);
    this.coalesced.push(coalescedText(start, size));
  }
  coalescedIoDel(section: MemoryRegionSection, start: bigint, size: bigint): void {
    expect(this.ranges.has(exactText(section))).toBe(true);
    take(this.coalesced, coalescedText(start, size));
  }

  /** @param left bits that logStop is about to take away */
  private setMask(section: MemoryRegionSection, left: number, mask: number): void {
    expect(this.ranges.has(exactText(section))).toBe(true);
    this.ranges.set(exactText(section), mask | left);
  }
}

const exactText = (section: MemoryRegionSection): string =>
  `${sectionText(section)} #${section.region.id}${section.nonvolatile ? ' nv' : ''}`;

function take(texts: string[], text: string): void {
  const index = texts.indexOf(text);
  expect(index, `${text} is known`).toBeGreaterThanOrEqual(0);
  texts.splice(index, 1);
}

/** The same, literally: every range, with every list of its region. */
export function mirrorOf(view: FlatView): Mirrored {
  const texts = view.ranges.map((range) => ({ range, text: rangeText(range) }));
  return {
    ranges: texts.map(({ text }) => text).sort(),
    masks: texts.map(({ range, text }) => `${text} ${range.dirtyLogMask}`).sort(),
    eventfds: view.ranges.flatMap(eventfdsIn).sort(),
    coalesced: view.ranges.flatMap(coalescedIn).sort(),
  };
}

function rangeText({ start, size, region, offsetInRegion, readonly, nonvolatile }: FlatRange): string {
  const place = `${hex(start)}-${hex(start + size - 1n)} ${region.name}+${hex(offsetInRegion)}`;
  return `${place}${readonly ? ' ro' : ''} #${region.id}${nonvolatile ? ' nv' : ''}`;
}

/** Byte by byte: does any byte of it show in the range? One of any length counts as its first byte. */
const eventfdsIn = (range: FlatRange): string[] =>
  range.region.eventfds.items
    .filter(({ offset, size }) => {
      for (let at = offset; at < offset + BigInt(Math.max(size, 1)); at += 1n)
        if (at >= range.offsetInRegion && at < range.offsetInRegion + range.size) return true;
      return false;
    })
    .map(({ offset, ...rest }) =>
      eventfdText({ ...rest, offsetWithinAddressSpace: offset - range.offsetInRegion + range.start }),
    );

const coalescedIn = (range: FlatRange): string[] =>
  range.region.coalescing.items.flatMap(({ offset, size }) => {
    const bytes: bigint[] = [];
    for (let at = offset; at < offset + size; at += 1n)
      if (at >= range.offsetInRegion && at < range.offsetInRegion + range.size) bytes.push(at);
    if (bytes.length === 0) return [];
    return [coalescedText(bytes[0]! - range.offsetInRegion + range.start, BigInt(bytes.length))];
  });
