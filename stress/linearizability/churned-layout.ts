/**
 * The machine of the histories as plain data: its first layout, and what may be done to a layout next. RAM is only
 * ever shown with the offset in its page that the address has, so that a vCPU can write to its own bytes of whatever
 * page answers; borders lie anywhere, also inside those bytes.
 */
import type { Random } from '../../src/verify/random.ts';
import {
  containerOf,
  type Edit,
  type RecordedKind,
  type RecordedLayout,
  type RecordedRegion,
  recordedRegion,
} from './recorded-layout.ts';

export const PAGE_BYTES = 4096;
/** In the address spaces `memory` and `other`, around 4 GiB. */
export const AREA_START = 2 ** 32 - 0x20000;
export const AREA_PAGES = 64;
export const RAM_PAGES = 4;
export const RAM_COUNT = 4;
/** Which roots they have in turn says the layout; but `ram` always shows all RAM, from address 0 on. */
export const SPACES = ['memory', 'other', 'ram'] as const;
export const SPACE_RAM = 2;

const ROOT_BYTES = 2 ** 53;
const MEMORY = 0;
const OTHER = 1;
const OTHER_TOO = 2;
const ALL_RAM = 3;
export const FIRST_RAM = 4;
const BRIDGE = FIRST_RAM + RAM_COUNT;
const OVERLAY = BRIDGE + 1;
const FIRST_DEVICE = OVERLAY + 1;
/** Of the devices, this one is homed in a worker, and the two before it in the control thread. */
export const HOSTED_DEVICE = FIRST_DEVICE + 4;
const ROM_DEVICE = FIRST_DEVICE + 5;
const FIRST_WINDOW = FIRST_DEVICE + 6;
const WINDOW_COUNT = 12;
const FIRST_VIEW = FIRST_WINDOW + WINDOW_COUNT;

/** Where in a page the windows onto RAM begin. */
const STARTS = [0, 0, 0, 0, 0, 0x800, 0xe05, 0xe13, 0x7fc];
/** Roots and containers in which things come and go. */
const PLACES = [MEMORY, MEMORY, BRIDGE, OVERLAY, OTHER, OTHER_TOO] as const;
const BRIDGE_PAGES = 16;
const OVERLAY_PAGES = 8;
const DEVICES: readonly (readonly [name: string, kind: RecordedKind, size: number])[] = [
  ['local', 'local', 0x1000],
  ['short local', 'local', 0x804],
  ['homed', 'homed', 0x1000],
  ['short homed', 'homed', 0x18],
  ['hosted', 'homed', 0x800],
  ['flash', 'rom-device', 0x1400],
];

/** An alias of the container `target`, from its start on. */
const view = (name: string, target: number, pages: number, more: Partial<RecordedRegion>): RecordedRegion =>
  recordedRegion(name, 'alias', pages * PAGE_BYTES, { target, ...more });

/** Everything is somewhere; the edits that follow mix it. */
export function firstLayout(random: Random): RecordedLayout {
  const windows = Array.from({ length: WINDOW_COUNT }, (_, index) => {
    const start = index === 0 ? 0 : random.pick(STARTS); // window 0 is shown again
    return recordedRegion(`window ${index}`, 'alias', sizeOfWindow(random), {
      target: FIRST_RAM + (index % RAM_COUNT),
      aliasOffset: random.below(RAM_PAGES) * PAGE_BYTES + start,
      address: AREA_START + random.below(AREA_PAGES) * PAGE_BYTES + start,
    });
  });
  const devices = DEVICES.map(([name, kind, size], index) =>
    recordedRegion(name, kind, size, { address: AREA_START + (index * 9 + 4) * PAGE_BYTES }),
  );
  const at = (page: number): Partial<RecordedRegion> => ({ address: AREA_START + page * PAGE_BYTES });
  const views = [
    view('bridge again', BRIDGE, BRIDGE_PAGES, at(40)),
    view('window 0 again', FIRST_WINDOW, 2, { aliasOffset: 0x123, address: AREA_START + 0x123 }),
    view('bridge elsewhere', BRIDGE, BRIDGE_PAGES, { ...at(8), priority: 1 }),
    view('all of memory', MEMORY, AREA_PAGES, { ...at(0), aliasOffset: AREA_START, priority: -1 }),
    view('overlay elsewhere', OVERLAY, OVERLAY_PAGES, at(20)),
  ];
  const [bridgeAgain, windowAgain, bridgeElsewhere, allOfMemory, overlayElsewhere] = views.keys();
  const numbers = (first: number, count: number): number[] =>
    Array.from({ length: count }, (_, n) => first + n);
  const inMemory = [
    ...[BRIDGE, OVERLAY, ...numbers(FIRST_DEVICE, DEVICES.length), ...numbers(FIRST_WINDOW, WINDOW_COUNT)],
    ...[FIRST_VIEW + bridgeAgain!, FIRST_VIEW + windowAgain!],
  ];
  const rams = numbers(FIRST_RAM, RAM_COUNT);
  return {
    regions: [
      recordedRegion('memory', 'container', ROOT_BYTES, { children: inMemory }),
      recordedRegion('other', 'container', ROOT_BYTES, { children: [FIRST_VIEW + bridgeElsewhere!] }),
      recordedRegion('other too', 'container', ROOT_BYTES, {
        children: [FIRST_VIEW + allOfMemory!, FIRST_VIEW + overlayElsewhere!],
      }),
      recordedRegion('all RAM', 'container', ROOT_BYTES, { children: rams }),
      ...rams.map((_, n) =>
        recordedRegion(`ram ${n}`, 'ram', RAM_PAGES * PAGE_BYTES, { address: n * RAM_PAGES * PAGE_BYTES }),
      ),
      recordedRegion('bridge', 'container', BRIDGE_PAGES * PAGE_BYTES, at(30)),
      recordedRegion('overlay', 'container', OVERLAY_PAGES * PAGE_BYTES, { ...at(50), priority: 2 }),
      ...devices,
      ...windows,
      ...views,
    ],
    roots: [MEMORY, OTHER, ALL_RAM],
  };
}

/** What the next transaction does: one to three edits. */
export function nextEdits(layout: RecordedLayout, random: Random): Edit[] {
  return Array.from({ length: 1 + random.weighted([6, 3, 1]) }, () => nextEdit(layout, random));
}

/** A move of `number` to anywhere in the container where it is; of one that is in none, to anywhere. */
export function moveOf(layout: RecordedLayout, number: number, random: Random): Edit {
  return {
    op: 'move',
    region: number,
    address: placeIn(layout, containerOf(layout, number), number, random),
  };
}

function nextEdit(layout: RecordedLayout, random: Random): Edit {
  const leaf = FIRST_DEVICE + random.below(FIRST_VIEW - FIRST_DEVICE);
  const any = BRIDGE + random.below(layout.regions.length - BRIDGE);
  const window = FIRST_WINDOW + random.below(WINDOW_COUNT);
  const shown = random.below(4) === 0 ? FIRST_VIEW + random.below(5) : window;
  switch (random.weighted([2, 6, 6, 2, 4, 1, 2, 1, 2])) {
    case 0:
      return { op: 'enable', region: any, enabled: !layout.regions[any]!.enabled };
    case 1: // most things are enabled at most times
      if (!layout.regions[any]!.enabled) return { op: 'enable', region: any, enabled: true };
      return moveOf(layout, any, random);
    case 2:
      return { op: 'show', region: shown, aliasOffset: shownFrom(layout, shown, random) };
    case 3:
      return { op: 'resize', region: window, size: sizeOfWindow(random) };
    case 4: {
      const container = random.pick(PLACES);
      const address = placeIn(layout, container, leaf, random);
      return { op: 'map', region: leaf, container, address, priority: random.below(4) - 1 };
    }
    case 5:
      return { op: 'unmap', region: leaf };
    case 6:
      return { op: 'protect', region: shown, readonly: !layout.regions[shown]!.readonly };
    case 7:
      return { op: 'romd', region: ROM_DEVICE, romd: !layout.regions[ROM_DEVICE]!.romd };
    default:
      return { op: 'root', space: 1, region: random.pick([OTHER, OTHER_TOO]) };
  }
}

/** What lies in a page keeps its place in it; devices lie on multiples of what they take at once, or of half of it. */
function placeIn({ regions }: RecordedLayout, container: number, number: number, random: Random): number {
  const { kind, name, address } = regions[number]!;
  const isRoot = container !== BRIDGE && container !== OVERLAY;
  const pages = container === BRIDGE ? BRIDGE_PAGES : container === OVERLAY ? OVERLAY_PAGES : AREA_PAGES;
  const page = (isRoot ? AREA_START : 0) + random.below(pages) * PAGE_BYTES;
  if (kind === 'homed') return page + (name.startsWith('short') ? 8 * random.below(PAGE_BYTES / 8) : 0);
  if (kind === 'local') return page + (name.startsWith('short') ? 4 * random.below(PAGE_BYTES / 4) : 0);
  return page + (address % PAGE_BYTES);
}

function shownFrom({ regions }: RecordedLayout, number: number, random: Random): number {
  const { target, aliasOffset } = regions[number]!;
  if (target === MEMORY)
    return aliasOffset + (random.below(5) - 2 + (AREA_START - aliasOffset) / PAGE_BYTES) * PAGE_BYTES;
  return random.below(RAM_PAGES) * PAGE_BYTES + (aliasOffset % PAGE_BYTES);
}

/** Some end at a page's end, most anywhere. */
const sizeOfWindow = (random: Random): number =>
  (1 + random.below(RAM_PAGES)) * PAGE_BYTES - (random.below(2) === 0 ? 0 : random.below(PAGE_BYTES));
