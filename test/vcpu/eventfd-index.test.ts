/** The index against the literal rule: the first entry of the sorted list that matches. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { AttachedEventfd } from '../../src/layout/attachments.ts';
import { Doorbell } from '../../src/mailbox/doorbell.ts';
import { compareEventfds } from '../../src/model/eventfd-list.ts';
import { EventfdIndex } from '../../src/vcpu/eventfd-index.ts';

interface Entry {
  readonly offset: number;
  readonly size: number;
  readonly match: bigint | null;
}

const doorbells = new Map<number, Doorbell>();
/** In the order that the model keeps. */
function attached(entries: readonly Entry[]): AttachedEventfd[] {
  return entries
    .map((entry) => {
      const doorbell = new Doorbell();
      doorbells.set(doorbell.id, doorbell);
      return { ...entry, offset: BigInt(entry.offset), notifier: doorbell };
    })
    .toSorted(compareEventfds)
    .map(({ offset, size, match, notifier }) => ({
      ...{ offset: Number(offset), size, match },
      doorbell: notifier.handle,
    }));
}

/** Spec 10.2, literally. */
const scan = (list: readonly AttachedEventfd[], offset: number, size: number, value: bigint): number | null =>
  list.find(
    (entry) =>
      entry.offset === offset &&
      (entry.size === 0 || entry.size === size) &&
      (entry.match === null || entry.match === value),
  )?.doorbell.id ?? null;

const find = (list: readonly AttachedEventfd[], offset: number, size: number, value: bigint): number | null =>
  new EventfdIndex(list).find(
    offset,
    size,
    Number(value & 0xffff_ffffn),
    Number(BigInt.asIntN(32, value >> 32n)),
  )?.id ?? null;

describe('a write rings the doorbell of the first entry that matches', () => {
  const any: Entry = { offset: 8, size: 0, match: null };
  const word: Entry = { offset: 8, size: 4, match: null };
  const seven: Entry = { offset: 8, size: 4, match: 7n };
  const wide: Entry = { offset: 8, size: 8, match: 0x8000_0001_0000_0007n };

  test.each<[string, readonly Entry[], [offset: number, size: number, value: bigint], Entry | null]>([
    ['of any length, for each length', [any, word], [8, 1, 3n], any],
    ['of any length, before one of its own', [any, word, seven], [8, 4, 7n], any],
    ['of its length', [word], [8, 4, 99n], word],
    ['not of another length', [word, seven], [8, 2, 7n], null],
    ['not at another offset', [any], [9, 1, 0n], null],
    ['for its value', [seven], [8, 4, 7n], seven],
    ['not for another value', [seven], [8, 4, 8n], null],
    ['for any value, before one for its value', [seven, word], [8, 4, 7n], word],
    ['for all of 8 bytes', [wide], [8, 8, 0x8000_0001_0000_0007n], wide],
    ['not for the lower half alone', [wide, seven], [8, 8, 7n], null],
  ])('%s', (_rule, entries, [offset, size, value], expected) => {
    const list = attached(entries);
    const { id } = list.find(({ size: own, match }) => own === expected?.size && match === expected.match)
      ?.doorbell ?? { id: null };
    expect(find(list, offset, size, value)).toBe(id);
    expect(scan(list, offset, size, value)).toBe(id);
  });

  test('of two equal ones, that of the doorbell made first', () => {
    const list = attached([word, word]);
    expect(find(list, 8, 4, 1n)).toBe(Math.min(...list.map(({ doorbell }) => doorbell.id)));
  });
});

test('any list gives for any write what a scan gives', () => {
  const size = fc.constantFrom(1, 2, 4, 8);
  const value = fc.constantFrom(0n, 1n, 0x80n, 0xffn, 0x8000_0000n, 0x1_0000_0000n, 0xffff_ffff_0000_0001n);
  const entry: fc.Arbitrary<Entry> = fc
    .record({ offset: fc.nat(2), size: fc.constantFrom(0, 1, 2, 4, 8), match: fc.option(value) })
    .map((drawn) => ({
      ...drawn,
      match: drawn.size === 0 || drawn.match === null ? null : BigInt.asUintN(8 * drawn.size, drawn.match),
    }));
  fc.assert(
    fc.property(
      fc.array(entry, { maxLength: 12 }),
      fc.nat(2),
      size,
      value,
      (entries, offset, bytes, written) => {
        const list = attached(entries);
        const fits = BigInt.asUintN(8 * bytes, written);
        expect(find(list, offset, bytes, fits)).toBe(scan(list, offset, bytes, fits));
      },
    ),
  );
});
