/**
 * The ioeventfds of one device in this thread: which doorbell a write rings.
 * Guarantee: find() gives what a scan of the sorted list would meet first: at an offset an entry of any length, else
 * of the write's length one for any value, else one for the value. It is one look-up by offset and size, and two by
 * value where an entry has one, however many there are.
 * @source QEMU's behaviour: spec section 10.2
 */
import type { AttachedEventfd } from '../layout/attachments.ts';
import { Doorbell } from '../mailbox/doorbell.ts';

/** What writes of one size at one offset may ring. */
interface OfWrite {
  readonly anyValue: Doorbell | null;
  /** By lower half, as int32, then by upper half. */
  readonly byValue: ReadonlyMap<number, ReadonlyMap<number, Doorbell>>;
}

const SIZES = [1, 2, 4, 8];
/** Above all sizes: what a write's offset is multiplied by to make room for its size. */
const SIZE_STEP = 16;

export class EventfdIndex {
  /** By offset and size. */
  private readonly writes: ReadonlyMap<number, OfWrite>;

  /** @param eventfds in the order of the region's list: the first of equal ones counts */
  constructor(eventfds: readonly AttachedEventfd[]) {
    const entries = eventfds.flatMap((eventfd) =>
      (eventfd.size === 0 ? SIZES : [eventfd.size]).map((size) => ({ ...eventfd, size })),
    );
    // A list has an entry of any size before those of one; and one for any value before those for one.
    this.writes = mapValues(
      groupBy(entries, ({ offset, size }) => offset * SIZE_STEP + size),
      ofWrite,
    );
  }

  /**
   * The doorbell of a write, or null.
   * @param valueLo lower half of the little-endian value; bits past `size` bytes are 0
   */
  find(offset: number, size: number, valueLo: number, valueHi: number): Doorbell | null {
    const here = this.writes.get(offset * SIZE_STEP + size);
    if (here === undefined) return null;
    return here.anyValue ?? here.byValue.get(valueLo | 0)?.get(size === 8 ? valueHi | 0 : 0) ?? null;
  }
}

function ofWrite(eventfds: readonly AttachedEventfd[]): OfWrite {
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
