/** What a region carries besides its place: ioeventfds, coalesced ranges, its dirty log. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DIRTY_CLIENT_CODE, DIRTY_CLIENT_MIGRATION, DIRTY_CLIENT_VGA } from '../../src/base/dirty-log.ts';
import type { EventfdOptions } from '../../src/model/eventfd-list.ts';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import {
  registerParticipant,
  type TransactionChanges,
  transaction,
  unregisterParticipant,
} from '../../src/model/transaction.ts';
import { codeOf } from '../support/code-of.ts';
import { notifier } from '../support/listening.ts';

const { container, ram, io, alias, romDevice } = MemoryRegion;

let region: MemoryRegion;
let told: TransactionChanges[];
const participant = {
  prepare: (changes: TransactionChanges): null => {
    told.push(changes);
    return null;
  },
};
beforeEach(() => {
  region = io('device', 0x20, null);
  told = [];
  registerParticipant(participant);
});
afterEach(() => unregisterParticipant(participant));

const one = notifier(1);
const eventfd = (offset: number, size: number, match: number | null, id: number): EventfdOptions => ({
  offset,
  size,
  match,
  notifier: notifier(id),
});

describe('ioeventfds', () => {
  const texts = (): string[] =>
    region.eventfds.items.map(
      ({ offset, size, match, notifier }) =>
        `${offset}/${size}${match === null ? '' : `=${match}`} #${notifier.id}`,
    );

  test('are sorted by offset, size, match (none first), notifier; duplicates are kept', () => {
    const sorted = ['0/4 #1', '4/0 #9', '4/4 #2', '4/4=1 #8', '4/4=2 #1', '4/4=2 #3', '4/4=2 #3', '4/8 #1'];
    const entries = [
      ...[eventfd(4, 4, 2, 3), eventfd(4, 8, null, 1), eventfd(0, 4, null, 1), eventfd(4, 4, 2, 1)],
      ...[eventfd(4, 4, 1, 8), eventfd(4, 0, null, 9), eventfd(4, 4, 2, 3), eventfd(4, 4, null, 2)],
    ];
    for (const entry of entries) region.eventfds.add(entry);
    expect(texts()).toEqual(sorted);
    region.eventfds.del(eventfd(4, 4, 2, 3));
    expect(texts()).toEqual(sorted.toSpliced(5, 1));
  });

  test('can be deleted where the region has shrunk and they lie outside', () => {
    region.eventfds.add(eventfd(0x1c, 4, null, 1));
    region.setSize(0x10);
    expect(() => region.eventfds.add(eventfd(0x1c, 4, null, 2))).toThrow(/must be at least one byte inside/);
    region.eventfds.del(eventfd(0x1c, 4, null, 1));
    expect(texts()).toEqual([]);
  });

  test.each<[string, EventfdOptions]>([
    ['another offset', eventfd(5, 4, 2, 3)],
    ['another size', eventfd(4, 2, 2, 3)],
    ['any length', eventfd(4, 0, null, 3)],
    ['another value', eventfd(4, 4, 3, 3)],
    ['any value', eventfd(4, 4, null, 3)],
    ['another notifier', eventfd(4, 4, 2, 4)],
  ])('deleting one with %s finds none', (_what, wanted) => {
    region.eventfds.add(eventfd(4, 4, 2, 3));
    expect(() => region.eventfds.del(wanted)).toThrow(/EVENTFD_UNKNOWN: region 'device' has no ioeventfd at/);
    expect(texts()).toEqual(['4/4=2 #3']);
  });

  test.each<[string, EventfdOptions, RegExp]>([
    ['a size of 3', eventfd(0, 3, null, 1), /size must be 0, 1, 2, 4 or 8, got 3/],
    ['a write that passes the end', eventfd(0x1d, 4, null, 1), /at least one byte inside 0x20 bytes/],
    ['one of any length at the end', eventfd(0x20, 0, null, 1), /at least one byte inside/],
    ['an offset before the start', eventfd(-1, 1, null, 1), /at least one byte inside/],
    [
      'a value that does not fit',
      eventfd(0, 1, 256, 1),
      /match must be unsigned and fit in 1 bytes, got 256/,
    ],
    ['a negative value', eventfd(0, 8, -1, 1), /match must be unsigned/],
    ['a value for any length', eventfd(0, 0, 0, 1), /any length \(size 0\) cannot be matched/],
    ['a notifier without id', { offset: 0, size: 1, notifier: {} as never }, /notifier must have an id/],
    ['a notifier with a negative id', eventfd(0, 1, null, -1), /notifier must have an id/],
  ])('refused is %s', (_what, options, message) => {
    expect(() => region.eventfds.add(options)).toThrow(message);
    expect(codeOf(() => region.eventfds.add(options))).toBe('INVALID_ARGUMENT');
    expect(region.eventfds.items).toEqual([]);
  });

  test('an 8-byte value of all ones is one, a value of 0 is not none', () => {
    region.eventfds.add({ offset: 0, size: 8, match: 2n ** 64n - 1n, notifier: one });
    region.eventfds.add({ offset: 0, size: 8, match: 0, notifier: one });
    region.eventfds.add({ offset: 0, size: 8, notifier: one });
    expect(region.eventfds.items.map(({ match }) => match)).toEqual([null, 0n, 2n ** 64n - 1n]);
  });

  test.each([container('c', 8), ram('r', 8), alias('a', ram('t', 8), 0, 8)])(
    'a region without callbacks has none: $kind',
    (other) => {
      expect(() => other.eventfds.add(eventfd(0, 1, null, 1))).toThrow(/has no callbacks/);
    },
  );
});

describe('coalesced ranges', () => {
  test('keep the order of insertion, overlap or not, and set the flush flag', () => {
    const { coalescing } = region;
    expect([coalescing.items, coalescing.flush]).toEqual([[], false]);
    coalescing.add(8, 8);
    coalescing.add(0, 0x10);
    expect(coalescing.items).toEqual([
      { offset: 8n, size: 8n },
      { offset: 0n, size: 0x10n },
    ]);
    coalescing.setCoalescing();
    expect([coalescing.items, coalescing.flush]).toEqual([[{ offset: 0n, size: 0x20n }], true]);
    coalescing.clear();
    expect([coalescing.items, coalescing.flush]).toEqual([[], false]);
  });

  test('keep the flush flag while there are any', () => {
    const { coalescing } = region;
    coalescing.setFlushCoalesced();
    expect(coalescing.flush).toBe(true);
    coalescing.clearFlushCoalesced();
    expect(coalescing.flush).toBe(false);
    coalescing.add(0, 4);
    coalescing.clearFlushCoalesced();
    expect(coalescing.flush).toBe(true);
  });

  test.each([
    [0x1f, 2],
    [0, 0],
    [-1, 1],
  ])('at %d, %d bytes, are refused', (offset, size) => {
    expect(codeOf(() => region.coalescing.add(offset, size))).toBe('INVALID_ARGUMENT');
  });
});

describe('the dirty log', () => {
  const vga = 1 << DIRTY_CLIENT_VGA;
  const code = 1 << DIRTY_CLIENT_CODE;
  const migration = 1 << DIRTY_CLIENT_MIGRATION;

  test.each([ram('r', 8), romDevice('d', 8, null)])('counts its uses by the display: $kind', (memory) => {
    const masks = [true, true, false, false].map((on) => {
      memory.dirtyLog.setLog(on, DIRTY_CLIENT_VGA);
      return memory.dirtyLog.maskWith(false);
    });
    expect(masks).toEqual([vga, vga, vga, 0]);
    expect(told, 'only a bit that flips makes a view look different').toHaveLength(2);
    expect(codeOf(() => memory.dirtyLog.setLog(false, DIRTY_CLIENT_VGA))).toBe('INVALID_ARGUMENT');
  });

  test('has a bit for code, and one for migration while all memory is tracked', () => {
    const memory = ram('r', 8);
    memory.dirtyLog.setLogsCode(true);
    memory.dirtyLog.setLogsCode(true);
    expect(memory.dirtyLog.logsCode).toBe(true);
    expect([false, true].map((tracked) => memory.dirtyLog.maskWith(tracked))).toEqual([
      code,
      code | migration,
    ]);
    expect(told).toHaveLength(1);
    memory.setEnabled(false);
    memory.dirtyLog.setLogsCode(false);
    expect(told).toHaveLength(2);
  });

  test.each([container('c', 8), io('i', 8, null), alias('a', ram('t', 8), 0, 8)])(
    'of no bytes: $kind',
    (other) => {
      expect(codeOf(() => other.dirtyLog.setLog(true, DIRTY_CLIENT_VGA))).toBe('NOT_RAM');
      expect(codeOf(() => other.dirtyLog.setLogsCode(true))).toBe('NOT_RAM');
      expect(other.dirtyLog.maskWith(true)).toBe(0);
    },
  );

  test.each([DIRTY_CLIENT_CODE, DIRTY_CLIENT_MIGRATION, 7])('is not set by client %d', (client) => {
    expect(() => ram('r', 8).dirtyLog.setLog(true, client)).toThrow(/client must be DIRTY_CLIENT_VGA/);
  });
});

describe('a transaction', () => {
  test('of these lists alone tells participants of no region whose view could look different', () => {
    region.eventfds.add(eventfd(0, 1, null, 1));
    const before = region.eventfds.items;
    told.length = 0;
    const free = ram('free', 8);
    transaction(() => {
      free.setReadonly(true);
      free.setReadonly(false);
      region.eventfds.add(eventfd(0, 2, null, 1));
      region.eventfds.del(eventfd(0, 1, null, 1));
      region.coalescing.add(0, 1);
    });
    expect(told).toHaveLength(1);
    expect(told[0]).toMatchObject({ regions: new Set([free]), rerooted: new Set() });
    expect(told[0]!.eventfds).toEqual(new Map([[region, before]]));
    expect(told[0]!.coalesced).toEqual(new Map([[region, []]]));
    told.length = 0;
    region.coalescing.clear();
    expect(told[0]).toMatchObject({ regions: new Set(), rerooted: new Set(), eventfds: new Map() });
  });

  test('that throws puts lists, flag and counts back', () => {
    const memory = ram('r', 8);
    region.eventfds.add(eventfd(0, 1, null, 1));
    const { items } = region.eventfds;
    const undone = (): void =>
      transaction(() => {
        region.eventfds.del(eventfd(0, 1, null, 1));
        region.eventfds.add(eventfd(0, 2, null, 1));
        region.coalescing.add(0, 1);
        memory.dirtyLog.setLog(true, DIRTY_CLIENT_VGA);
        memory.dirtyLog.setLogsCode(true);
        throw new Error('no');
      });
    expect(undone).toThrow('no');
    expect(region.eventfds.items).toBe(items);
    expect([region.coalescing.items, region.coalescing.flush]).toEqual([[], false]);
    expect(memory.dirtyLog.maskWith(false)).toBe(0);
  });
});
