/** The mix: how often which kind of memory is accessed, and how much each address space gets. */
import { CLASS_DEVICE, CLASS_DEVICE_READONLY, CLASS_HOLE, CLASS_RAM, classOf } from './cell-format.ts';
import { OPERATION_COUNT, OPERATION_WRITE, type ProbedSpace, type StateTables } from './probe-program.ts';
import type { Random } from './random.ts';

type SampleKind = 'ram' | 'changing' | 'device' | 'rom' | 'hole';

/** Per cent of the accesses of an address space that has them all; the rest shares what is missing. */
const SHARES: readonly (readonly [SampleKind, number])[] = [
  ['ram', 78],
  ['changing', 10],
  ['device', 8],
  ['rom', 2],
  ['hole', 2],
];
const WRITES_PER_CENT = 30;
const SCHEDULE_LENGTH_MIN = 256;

/** OPERATION_COUNT operations over the samples from `first` to `end`, which is exclusive. */
export function operationsFor(
  rows: readonly Int32Array[],
  first: number,
  end: number,
  random: Random,
): Int32Array {
  const byKind = new Map<SampleKind, number[]>();
  for (let sample = first; sample < end; sample += 1) {
    const kind = kindOf(rows, sample);
    if (kind === null) continue;
    const list = byKind.get(kind);
    if (list === undefined) byKind.set(kind, [sample]);
    else list.push(sample);
  }
  const shares = SHARES.filter(([kind]) => byKind.has(kind));
  const weights = shares.map(([, share]) => share);
  return Int32Array.from({ length: OPERATION_COUNT }, () => {
    if (shares.length === 0) return first; // all of them are skipped
    const [kind] = shares[random.weighted(weights)]!;
    const write = random.below(100) < WRITES_PER_CENT ? OPERATION_WRITE : 0;
    return random.pick(byKind.get(kind)!) | write;
  });
}

/** Null for a sample that no state can check. */
function kindOf(rows: readonly Int32Array[], sample: number): SampleKind | null {
  const entry = rows[0]![sample]!;
  if (rows.every((row) => row[sample] === 0)) return null;
  if (rows.some((row) => row[sample] !== entry)) return 'changing';
  switch (classOf(entry)) {
    case CLASS_HOLE:
      return 'hole';
    case CLASS_RAM:
      return 'ram';
    case CLASS_DEVICE:
    case CLASS_DEVICE_READONLY:
      return 'device';
    default:
      return 'rom';
  }
}

/** Which space each slice works in: those with RAM most often, every one now and then. */
export function scheduleFor(spaces: readonly ProbedSpace[], tables: StateTables, random: Random): number[] {
  const weights = spaces.map(({ group }) => groupWeight(tables, group));
  let length = SCHEDULE_LENGTH_MIN;
  while (length < 4 * spaces.length) length *= 2;
  const schedule = spaces.map((_, index) => index);
  while (schedule.length < length) {
    schedule.push(random.weighted(weights));
  }
  return random.shuffled(schedule);
}

function groupWeight(tables: StateTables, group: number): number {
  const { entries, operations } = tables;
  let ram = 0;
  let assigned = 0;
  for (let index = 0; index < OPERATION_COUNT; index += 1) {
    const operation = operations[group * OPERATION_COUNT + index]!;
    const kind = classOf(entries[operation & 0xffff]!);
    if (kind === CLASS_RAM) ram += 1;
    if (kind > CLASS_HOLE) assigned += 1;
  }
  if (ram > OPERATION_COUNT / 4) return 32;
  return assigned > 0 ? 2 : 1;
}
