/**
 * The ioeventfds of one device in this thread: which doorbell a write rings.
 * Guarantee: find() gives what a scan of the sorted list would meet first: at an offset an entry of any length, else
 * of the write's length one for any value, else one for the value. It is one look-up by offset, and two by value
 * where an entry has one, however many there are.
 * @source QEMU's behaviour: spec section 10.2
 */
import type { AttachedEventfd } from '../layout/attachments.ts';
import { Doorbell } from '../mailbox/doorbell.ts';

/** Entries of one size at one offset. */
interface OfSize {
  readonly anyValue: Doorbell | null;
  /** By lower half, as int32, then by upper half. */
  readonly byValue: ReadonlyMap<number, ReadonlyMap<number, Doorbell>>;
}

/** Entries at one offset. */
interface AtOffset {
  readonly anySize: Doorbell | null;
  /** By size in bytes, up to 8. */
  readonly bySize: readonly (OfSize | null)[];
}

const SIZE_MAX = 8;

export class EventfdIndex {
  private readonly offsets: ReadonlyMap<number, AtOffset>;

  /** @param eventfds in the order of the region's list: the first of equal ones counts */
  constructor(eventfds: readonly AttachedEventfd[]) {
    const offsets = groupBy(eventfds, ({ offset }) => offset);
    this.offsets = mapValues(offsets, atOffset);
  }

  /**
   * The doorbell of a write, or null.
   * @param valueLo lower half of the little-endian value; bits past `size` bytes are 0
   */
  find(offset: number, size: number, valueLo: number, valueHi: number): Doorbell | null {
    const here = this.offsets.get(offset);
    if (here === undefined) return null;
    if (here.anySize !== null) return here.anySize;
    const ofSize = here.bySize[size]!; // a write has 1, 2, 4 or 8
    if (ofSize === null) return null;
    return ofSize.anyValue ?? ofSize.byValue.get(valueLo | 0)?.get(size === 8 ? valueHi | 0 : 0) ?? null;
  }
}

function atOffset(eventfds: readonly AttachedEventfd[]): AtOffset {
  return {
    anySize: firstOf(eventfds.filter(({ size }) => size === 0)),
    bySize: Array.from({ length: SIZE_MAX + 1 }, (_, size) =>
      ofSizeOrNull(eventfds.filter((eventfd) => eventfd.size === size)),
    ),
  };
}

function ofSizeOrNull(eventfds: readonly AttachedEventfd[]): OfSize | null {
  if (eventfds.length === 0) return null;
  const valued = eventfds.filter(({ match }) => match !== null);
  const half = (shift: bigint) => (eventfd: AttachedEventfd) =>
    Number(BigInt.asIntN(32, eventfd.match! >> shift));
  return {
    anyValue: firstOf(eventfds.filter(({ match }) => match === null)),
    byValue: mapValues(groupBy(valued, half(0n)), (sameLow) =>
      mapValues(groupBy(sameLow, half(32n)), (same) => firstOf(same)!),
    ),
  };
}

const firstOf = ([first]: readonly AttachedEventfd[]): Doorbell | null =>
  first === undefined ? null : new Doorbell(first.doorbell);

const mapValues = <K, V, W>(map: ReadonlyMap<K, V>, change: (value: V) => W): Map<K, W> =>
  new Map([...map].map(([key, value]) => [key, change(value)]));

function groupBy<T, K>(items: readonly T[], keyOf: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group === undefined) groups.set(keyOf(item), [item]);
    else group.push(item);
  }
  return groups;
}
