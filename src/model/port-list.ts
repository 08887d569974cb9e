/**
 * A device's ports, as a list of entries with handlers: becomes one I/O region for each run of ports without a
 * gap, so that what lies in the gaps stays somebody else's.
 * Guarantee: each method is one transaction; one that throws has changed nothing.
 * @source QEMU PortioList: spec section 15, row 127
 */
import { describeValue, invalidArgument, optionsFromArgument } from '../base/arguments.ts';
import { controlDevice } from '../base/device-binding.ts';
import { MemoryError } from '../base/errors.ts';
import { PORT_ACCESS, type PortEntry, portCallbacks } from '../base/port-callbacks.ts';
import { nameFromArgument } from './arguments.ts';
import { MemoryRegion, requireRegion } from './memory-region.ts';
import { PORT_COUNT } from './port-io.ts';
import type { MemoryRegionOptions } from './region-options.ts';
import { transaction } from './transaction.ts';

/** One run of ports. */
interface Run {
  readonly low: number;
  readonly region: MemoryRegion;
}

export class PortList {
  readonly name: string;
  private readonly runs: readonly Run[];
  private container: MemoryRegion | null = null;
  private start = 0;

  /**
   * @param entries handlers run in the control thread; what a handler is called with is the number of its port in
   *   the space that the list was added to
   * @throws MemoryError INVALID_ARGUMENT for entries that are none
   */
  constructor(name: string, entries: readonly PortEntry[], options: Pick<MemoryRegionOptions, 'owner'> = {}) {
    this.name = nameFromArgument('a port list', name);
    if (!Array.isArray(entries))
      throw invalidArgument(`port list '${name}'`, `entries must be an array, got ${describeValue(entries)}`);
    const sorted = entries.map((entry) => checked(name, entry)).sort((a, b) => a.offset - b.offset);
    this.runs = runsOf(sorted).map(({ low, end, members }) => ({
      low,
      region: MemoryRegion.io(
        name,
        end - low,
        controlDevice(
          portCallbacks(members, low, () => this.start),
          { access: PORT_ACCESS },
        ),
        options,
      ),
    }));
  }

  /** The regions of the list, by ascending port. */
  get regions(): readonly MemoryRegion[] {
    return this.runs.map(({ region }) => region);
  }

  /** Maps the list into a port I/O space. @throws MemoryError REGION_ALREADY_MAPPED, INVALID_ARGUMENT */
  add(portIo: MemoryRegion, start: number): void {
    requireRegion(`port list '${this.name}'`, 'the port I/O space', portIo);
    this.refuseOutside(start);
    transaction(() => {
      for (const { low, region } of this.runs) portIo.addSubregion(start + low, region);
    });
    this.container = portIo;
    this.start = start;
  }

  /** Takes the list out of its port I/O space. @throws MemoryError NOT_A_SUBREGION if it is in none */
  remove(): void {
    const { container } = this;
    if (container === null) {
      throw new MemoryError(
        'NOT_A_SUBREGION',
        `port list '${this.name}' is in no port I/O space; add() it first`,
      );
    }
    transaction(() => {
      for (const { region } of this.runs) container.delSubregion(region);
    });
    this.container = null;
  }

  /** Shows or hides all its ports. */
  setEnabled(on: boolean): void {
    transaction(() => {
      for (const { region } of this.runs) region.setEnabled(on);
    });
  }

  /** Moves the list. @throws MemoryError INVALID_ARGUMENT past the last port */
  setAddress(start: number): void {
    this.refuseOutside(start);
    transaction(() => {
      for (const { low, region } of this.runs) region.setAddress(start + low);
    });
    this.start = start;
  }

  private refuseOutside(start: number): void {
    const last = this.runs.at(-1);
    const end = last === undefined ? 0 : last.low + Number(last.region.size);
    if (Number.isInteger(start) && start >= 0 && start + end <= PORT_COUNT) return;
    throw new MemoryError(
      'INVALID_ARGUMENT',
      `port list '${this.name}' spans ${end} ports: at ${describeValue(start)} it is not within the ${PORT_COUNT} ports`,
    );
  }
}

/** Sorted entries, grouped where they touch or overlap. */
function runsOf(sorted: readonly PortEntry[]): { low: number; end: number; members: PortEntry[] }[] {
  const runs: { low: number; end: number; members: PortEntry[] }[] = [];
  for (const entry of sorted) {
    const end = entry.offset + entry.length + entry.size - 1; // a wide access at the last port reaches further
    const last = runs.at(-1);
    if (last === undefined || entry.offset > last.end)
      runs.push({ low: entry.offset, end, members: [entry] });
    else {
      last.end = Math.max(last.end, end);
      last.members.push(entry);
    }
  }
  return runs;
}

function checked(name: string, entry: PortEntry): PortEntry {
  const { offset, length, size } = optionsFromArgument(`port list '${name}'`, entry);
  const isPort = (value: number, least: number): boolean =>
    Number.isInteger(value) && value >= least && value <= PORT_COUNT;
  if (isPort(offset, 0) && isPort(length, 1) && (size === 1 || size === 2 || size === 4)) return entry;
  throw new MemoryError(
    'INVALID_ARGUMENT',
    `port list '${name}': an entry of ${describeValue(length)} ports of ${describeValue(size)} bytes at ${describeValue(offset)}; give offset and length in ports and a size of 1, 2 or 4`,
  );
}
