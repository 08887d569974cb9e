/**
 * A captured machine with everything that is needed to verify it under load: its address spaces, the cycle
 * of layouts, the samples, and what is due at each sample in each layout.
 * Guarantee: what is due was worked out by the oracle on the tree in that very layout, on a lap after the
 * first; a lap later the last of them is found to be the same.
 */
import { hiFromAddress, loFromAddress } from '../base/addresses.ts';
import { assert } from '../base/assert.ts';
import { MemoryError } from '../base/errors.ts';
import type { AddressSpace } from '../model/address-space.ts';
import type { MemoryRegion } from '../model/memory-region.ts';
import { buildLayout, type Layout } from '../qemu/layout-file.ts';
import { SPACE_COUNT_MAX } from './board.ts';
import { CellBook } from './cell-book.ts';
import { type ChurnPlan, planChurn } from './churn-plan.ts';
import { operationsFor, scheduleFor } from './operations.ts';
import { Oracle } from './oracle.ts';
import { type PrivateExtent, PrivateRam } from './private-ram.ts';
import { ProbeDevices } from './probe-devices.ts';
import {
  OPERATION_COUNT,
  type ProbedSpace,
  SAMPLE_HI,
  SAMPLE_LO,
  SAMPLE_SIZE,
  SAMPLE_STRIDE_WORDS,
  type StateTables,
} from './probe-program.ts';
import { Random } from './random.ts';
import { type Sample, SampleSet } from './sample-set.ts';
import { type RegionWindow, windowsOf } from './windows.ts';

/** Address spaces with one root. */
interface Group {
  readonly root: MemoryRegion | null;
  readonly set: SampleSet;
  readonly viewRoots: Set<MemoryRegion | null>;
  samples: readonly Sample[];
  /** Where its samples begin in the tables. */
  first: number;
}

export interface WorkloadOptions {
  readonly vcpus: number;
  readonly seed: number;
  /** Module of the probe devices; tests give one that lies. */
  readonly probeModule?: URL;
}

export interface Workload {
  readonly plan: ChurnPlan;
  readonly book: CellBook;
  readonly probes: ProbeDevices;
  readonly tables: StateTables;
  readonly addressSpaces: readonly AddressSpace[];
  /** For each address space, in order. */
  readonly spaces: readonly ProbedSpace[];
  readonly schedule: readonly number[];
  readonly privateRam: PrivateRam;
  /** In which space the private RAM is. */
  readonly privateSpace: number;
}

const SAMPLES_MAX = 24_000;
const GROUP_SAMPLES_MIN = 24;
const GROUP_SAMPLES_MAX = 3000;
const RAM_PAGES = 96;
const PAGE_WORDS = 12;
const SLOTS_MAX = 0x10000;

export function prepareWorkload(layout: Layout, options: WorkloadOptions): Workload {
  const random = new Random(options.seed);
  const probes = new ProbeDevices(options.probeModule);
  const built = buildLayout(layout, () => probes.bind());
  const { addressSpaces } = built;
  refuseSpaceCount(addressSpaces.length, layout.source.file);
  const plan = planChurn(addressSpaces, [...built.regionsById.values()], probes, random);
  const groups = groupsOf(addressSpaces);
  const main = mainGroup(groups);
  const extents = surveyLap(plan, groups, main, random);
  const book = new CellBook(options.vcpus, SLOTS_MAX / Math.ceil(options.vcpus / 16));
  const privateRam = new PrivateRam(extents, options.vcpus);
  privateRam.reserveIn(book);
  const perGroup = Math.max(GROUP_SAMPLES_MIN, Math.min(GROUP_SAMPLES_MAX, SAMPLES_MAX / groups.length));
  let first = 0;
  for (const group of groups) {
    group.samples = group.set.choose(Math.floor(perGroup), random);
    group.first = first;
    first += group.samples.length;
  }
  const entries = expectationsLap(plan, groups, book);
  assertCycle(plan, groups, book, entries);
  const tables = tablesFrom(plan, groups, entries, random);
  const names = uniqueNames(addressSpaces);
  const spaces = addressSpaces.map((space, index) => {
    const group = groups.findIndex(({ root }) => root === space.root);
    return { name: names[index]!, group, switchesRoot: groups[group]!.viewRoots.size > 1 };
  });
  const privateSpace = addressSpaces.findIndex((space) => space.root === main.root);
  const schedule = scheduleFor(spaces, tables, random);
  return { plan, book, probes, tables, addressSpaces, spaces, schedule, privateRam, privateSpace };
}

function refuseSpaceCount(count: number, file: string): void {
  if (count > 0 && count <= SPACE_COUNT_MAX) return;
  throw new MemoryError(
    'INVALID_LAYOUT',
    `${file}: addressSpaces: has ${count} address spaces; a machine to run has 1 to ${SPACE_COUNT_MAX}`,
  );
}

function groupsOf(addressSpaces: readonly AddressSpace[]): Group[] {
  return [...new Set(addressSpaces.map((space) => space.root))].map((root) => ({
    root,
    set: new SampleSet(),
    viewRoots: new Set(),
    samples: [],
    first: 0,
  }));
}

const isRam = ({ region }: RegionWindow): boolean => region.kind === 'ram' && !region.readonly;

/** The group that shows most RAM. */
function mainGroup(groups: readonly Group[]): Group {
  const ramOf = ({ root }: Group): bigint =>
    windowsOf(root)
      .filter(isRam)
      .reduce((sum, { first, last }) => sum + (last - first), 0n);
  const bytes = groups.map(ramOf);
  const most = bytes.reduce((a, b) => (a > b ? a : b), 0n);
  return groups[bytes.indexOf(most)]!;
}

/** Walks all layouts once: collects places to look at, and RAM of the main group that never changes. */
function surveyLap(plan: ChurnPlan, groups: readonly Group[], main: Group, random: Random): PrivateExtent[] {
  const ramWindows = windowsOf(main.root).filter(isRam);
  let extents = PrivateRam.candidates(ramWindows, random);
  for (const group of groups) addRamPages(group, group === main ? RAM_PAGES : RAM_PAGES / 8, random);
  for (let step = 1; step <= plan.stateCount; step += 1) {
    if (!plan.isEmpty) plan.apply(step);
    for (const group of groups) {
      for (const window of windowsOf(group.root)) group.set.addWindow(window);
      group.viewRoots.add(new Oracle(group.root).root);
    }
    extents = PrivateRam.stillThere(extents, new Oracle(main.root));
  }
  return extents;
}

function addRamPages(group: Group, pages: number, random: Random): void {
  const windows = windowsOf(group.root).filter(({ region }) => region.kind === 'ram');
  for (let page = 0; page < pages && windows.length > 0; page += 1) {
    const { first, last } = windows[page % windows.length]!;
    const distance = Number(last - first) * ((random.next() >>> 0) / 2 ** 32);
    group.set.addPage(first + BigInt(Math.floor(distance)), PAGE_WORDS, random);
  }
}

/** Walks all layouts again and asks the oracle what is due. @returns one row of expectations a state */
function expectationsLap(plan: ChurnPlan, groups: readonly Group[], book: CellBook): Int32Array[] {
  const rows: Int32Array[] = [];
  for (let step = 1; step <= plan.stateCount; step += 1) {
    if (!plan.isEmpty) plan.apply(step);
    rows[step % plan.stateCount] = expectationsNow(groups, book);
  }
  return rows;
}

/** What is due at all samples in the layout that the tree has now. */
function expectationsNow(groups: readonly Group[], book: CellBook): Int32Array {
  const row: number[] = [];
  for (const { root, samples } of groups) {
    const oracle = new Oracle(root);
    for (const { address, size } of samples) row.push(book.entryFor(oracle.at(address), address, size));
  }
  return Int32Array.from(row);
}

/** Walks one more lap: its end must be the layout that the lap before ended with. */
function assertCycle(
  plan: ChurnPlan,
  groups: readonly Group[],
  book: CellBook,
  rows: readonly Int32Array[],
): void {
  for (let step = 1; step <= plan.stateCount && !plan.isEmpty; step += 1) plan.apply(step);
  const now = expectationsNow(groups, book);
  assert(
    now.every((entry, sample) => entry === rows[0]![sample]),
    'each lap of a churn plan ends with the same layout',
  );
}

function tablesFrom(
  plan: ChurnPlan,
  groups: readonly Group[],
  rows: readonly Int32Array[],
  random: Random,
): StateTables {
  const { stateCount } = plan;
  const samples = groups.flatMap((group) => group.samples);
  const words = (count: number): StateTables['samples'] => new Int32Array(new SharedArrayBuffer(4 * count));
  const tables = {
    stateCount,
    sampleCount: samples.length,
    entries: words(stateCount * samples.length),
    samples: words(samples.length * SAMPLE_STRIDE_WORDS),
    operations: words(groups.length * OPERATION_COUNT),
    changes: words(groups.length * stateCount),
    groupCount: groups.length,
  };
  for (const [state, row] of rows.entries()) tables.entries.set(row, state * samples.length);
  for (const [index, { address, size }] of samples.entries()) {
    const word = index * SAMPLE_STRIDE_WORDS;
    tables.samples[word + SAMPLE_HI] = hiFromAddress(address);
    tables.samples[word + SAMPLE_LO] = loFromAddress(address);
    tables.samples[word + SAMPLE_SIZE] = size;
  }
  for (const [index, { first, samples: own }] of groups.entries()) {
    const end = first + own.length;
    tables.operations.set(operationsFor(rows, first, end, random), index * OPERATION_COUNT);
    for (const [state, row] of rows.entries()) {
      const before = rows[(state + stateCount - 1) % stateCount]!;
      const differs = row.subarray(first, end).some((entry, at) => entry !== before[first + at]);
      tables.changes[index * stateCount + state] = Number(differs);
    }
  }
  return tables;
}

/** vCPUs open ports by name, and names of address spaces may repeat. */
function uniqueNames(spaces: readonly AddressSpace[]): string[] {
  const used = new Set<string>();
  return spaces.map(({ name }) => {
    let unique = name;
    for (let count = 2; used.has(unique); count += 1) unique = `${name}#${count}`;
    used.add(unique);
    return unique;
  });
}
