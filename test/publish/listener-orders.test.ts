/** What listeners hear, and in which order: of changes, when they come, when they go. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DIRTY_CLIENT_VGA } from '../../src/base/dirty-log.ts';
import type { AddressSpace } from '../../src/model/address-space.ts';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import { transaction } from '../../src/model/transaction.ts';
import { Machine } from '../../src/service/machine.ts';
import { notifier, recorder } from '../support/listening.ts';

const { container, ram, io } = MemoryRegion;

let machine: Machine;
let root: MemoryRegion;
let memory: MemoryRegion;
let device: MemoryRegion;
let space: AddressSpace;
let log: string[];

beforeEach(() => {
  machine = new Machine({ ramReserveBytes: 2 ** 20, arenaBytes: 2 ** 20, checked: true });
  root = container('root', 0x1000);
  memory = ram('ram', 0x100);
  device = io('io', 0x10, null);
  root.addSubregion(0x0, memory);
  root.addSubregion(0x200, device);
  space = machine.addAddressSpace('space', root);
  log = [];
});
afterEach(() => machine.close());

/** Runs `action` and returns what was heard meanwhile. */
function heard(action: () => unknown): string[] {
  log.length = 0;
  action();
  return [...log];
}

describe('a commit tells', () => {
  beforeEach(() => machine.addListener(recorder(log), space));

  test.each<[string, () => void, string[]]>([
    ['of a region that is mapped', () => root.addSubregion(0x400, ram('new', 0x10)), ['add 400-40f new+0']],
    ['of one that is unmapped', () => root.delSubregion(device), ['del 200-20f io+0']],
    ['of one that moves', () => device.setAddress(0x300), ['del 200-20f io+0', 'add 300-30f io+0']],
    [
      'of one that hides part of another: the pieces',
      () => root.addSubregionOverlap(0x40, io('hole', 0x40, null), 1),
      ['del 0-ff ram+0', 'add 0-3f ram+0', 'add 40-7f hole+0', 'add 80-ff ram+80'],
    ],
    [
      'of an attribute: it vanishes and appears',
      () => memory.setReadonly(true),
      ['del 0-ff ram+0', 'add 0-ff ram+0 ro'],
    ],
    ['of another root', () => space.setRoot(null), ['del 0-ff ram+0', 'del 200-20f io+0']],
    [
      'all that vanishes before all that appears, both ascending',
      () =>
        transaction(() => {
          memory.setAddress(0x500);
          device.setAddress(0x100);
        }),
      ['del 0-ff ram+0', 'del 200-20f io+0', 'add 100-10f io+0', 'add 500-5ff ram+0'],
    ],
  ])('%s', (_what, action, lines) => expect(heard(action)).toEqual(['begin', ...lines, 'commit']));

  test.each<[string, () => void]>([
    ['a change that nobody sees', () => ram('free', 4).setSize(8)],
    ['a change that is hidden', () => root.addSubregionOverlap(0, io('below', 0x10, null), -1)],
    ['a mutator that changes nothing', () => device.setAddress(device.address)],
    ['a transaction that is undone', () => expect(failing).toThrow('no')],
    ['another address space that comes', () => machine.addAddressSpace('other', root)],
    ['another address space that is given a root', () => machine.addAddressSpace('other').setRoot(memory)],
  ])('nothing of %s', (_what, action) => expect(heard(action)).toEqual([]));

  const failing = (): void =>
    transaction(() => {
      root.delSubregion(device);
      throw new Error('no');
    });

  test('masks, coalesced ranges and ioeventfds of what appears, and takes them back before it vanishes', () => {
    memory.dirtyLog.setLog(true, DIRTY_CLIENT_VGA);
    device.coalescing.add(4, 4);
    device.eventfds.add({ offset: 0, size: 2, notifier: notifier(7) });
    const both = (enabled: boolean) => (): void =>
      transaction(() => {
        memory.setEnabled(enabled);
        device.setEnabled(enabled);
      });
    expect(heard(both(false))).toEqual([
      'begin',
      'logStop ram 1>0',
      'del 0-ff ram+0',
      'coalescedDel 204-207',
      'del 200-20f io+0',
      'eventfdDel 200/2 #7',
      'commit',
    ]);
    expect(heard(both(true))).toEqual([
      'begin',
      'add 0-ff ram+0',
      'logStart ram 0>1',
      'add 200-20f io+0',
      'coalescedAdd 204-207',
      'eventfdAdd 200/2 #7',
      'commit',
    ]);
  });

  test('a mask that changed: with the old and the new one, of a range that stays', () => {
    expect(heard(() => memory.dirtyLog.setLog(true, DIRTY_CLIENT_VGA))).toEqual([
      'begin',
      'logStart ram 0>1',
      'commit',
    ]);
    const swap = (): void =>
      transaction(() => {
        memory.dirtyLog.setLog(false, DIRTY_CLIENT_VGA);
        memory.dirtyLog.setLogsCode(true);
      });
    expect(heard(swap)).toEqual(['begin', 'logStart ram 1>2', 'logStop ram 1>2', 'commit']);
  });
});

describe('ioeventfds and coalesced ranges alone', () => {
  beforeEach(() => machine.addListener(recorder(log, { fullPass: true }), space));

  test('are told without begin and commit, and no map is rebuilt', () => {
    const { publications } = machine.gauges;
    const view = machine.flatViewOf(space);
    const eventfd = { offset: 8, size: 4, match: 3, notifier: notifier(1) };
    expect(heard(() => device.eventfds.add(eventfd))).toEqual(['eventfdAdd 208/4=3 #1']);
    expect(heard(() => device.eventfds.del(eventfd))).toEqual(['eventfdDel 208/4=3 #1']);
    expect(heard(() => device.coalescing.add(0, 8))).toEqual(['coalescedAdd 200-207']);
    expect(heard(() => device.coalescing.add(2, 2))).toEqual(['coalescedAdd 202-203']);
    expect(heard(() => device.coalescing.clear())).toEqual(['coalescedDel 200-207', 'coalescedDel 202-203']);
    expect(machine.flatViewOf(space)).toBe(view);
    expect(machine.gauges.publications).toBe(publications);
  });

  test('are told once a transaction, by their difference, deletions first', () => {
    const one = { offset: 0, size: 1, notifier: notifier(1) };
    const two = { offset: 4, size: 1, notifier: notifier(2) };
    device.eventfds.add(two);
    const replace = (): void =>
      transaction(() => {
        device.eventfds.add(one);
        device.eventfds.del(one);
        device.eventfds.add(one);
        device.eventfds.del(two);
      });
    expect(heard(replace)).toEqual(['eventfdDel 204/1 #2', 'eventfdAdd 200/1 #1']);
  });

  test('are told though the region was hidden meanwhile in the same transaction', () => {
    const action = (): void =>
      transaction(() => {
        device.setEnabled(false);
        device.eventfds.add({ offset: 0, size: 0, notifier: notifier(1) });
        device.coalescing.add(0, 1);
        device.setEnabled(true);
      });
    expect(heard(action)).toEqual([
      'begin',
      'nop 0-ff ram+0',
      'nop 200-20f io+0',
      'coalescedAdd 200-200',
      'eventfdAdd 200/0 #1',
      'commit',
    ]);
  });

  test('are not told again where a range vanishes and appears with them at their place', () => {
    device.eventfds.add({ offset: 0, size: 4, notifier: notifier(1) });
    device.eventfds.add({ offset: 8, size: 4, notifier: notifier(2) });
    const lines = heard(() => device.setSize(8));
    expect(lines.filter((line) => line.startsWith('eventfd'))).toEqual(['eventfdDel 208/4 #2']);
  });

  test('are cropped to, or told for, each range that shows them', () => {
    root.addSubregionOverlap(0x204, ram('over', 2), 1);
    expect(heard(() => device.coalescing.setCoalescing())).toEqual([
      'coalescedAdd 200-203',
      'coalescedAdd 206-20f',
    ]);
    const eventfd = { offset: 2, size: 8, notifier: notifier(1) };
    expect(heard(() => device.eventfds.add(eventfd))).toEqual(['eventfdAdd 202/8 #1', 'eventfdAdd 202/8 #1']);
    const hidden = { offset: 4, size: 2, notifier: notifier(1) };
    expect(heard(() => device.eventfds.add(hidden))).toEqual([]);
  });
});

describe('several listeners', () => {
  /** Registered in this order; `b` and `c` are equals. */
  const priorities: [string, number][] = [
    ['d', 20],
    ['b', 10],
    ['c', 10],
    ['a', 0],
  ];
  beforeEach(() => {
    for (const [name, priority] of priorities) machine.addListener(recorder(log, { name, priority }), space);
  });
  const up = 'abcd';
  const down = 'dcba';
  const orderOf = (lines: readonly string[], callback: string): string =>
    lines
      .filter((line) => line.split(' ')[1] === callback)
      .map((line) => line[0])
      .join('');

  test.each([
    ['begin', up],
    ['del', down],
    ['logStop', down],
    ['coalescedDel', down],
    ['eventfdDel', down],
    ['commit', up],
  ])('hear %s of what vanishes in the order %s', (callback, order) => {
    const logged = ram('logged', 0x10);
    logged.dirtyLog.setLog(true, DIRTY_CLIENT_VGA);
    const gone = container('gone', 0x20);
    const port = io('port', 0x10, null);
    port.coalescing.setCoalescing();
    port.eventfds.add({ offset: 0, size: 1, notifier: notifier(1) });
    gone.addSubregion(0, logged);
    gone.addSubregion(0x10, port);
    root.addSubregion(0x800, gone);
    const lines = heard(() => root.delSubregion(gone));
    expect(orderOf(lines, callback)).toBe(callback === 'del' ? order.repeat(2) : order);
  });

  test.each([
    ['add', up],
    ['logStart', up],
    ['coalescedAdd', up],
    ['eventfdAdd', up],
    ['logGlobalStart', up],
    ['logSync', up],
    ['logClear', up],
    ['logGlobalAfterSync', up],
    ['logGlobalStop', down],
  ])('hear %s in the order %s', (callback, order) => {
    const lines = heard(() => {
      machine.dirtyTracking.start(1);
      const port = io('port', 0x10, null);
      port.coalescing.setCoalescing();
      port.eventfds.add({ offset: 0, size: 1, notifier: notifier(1) });
      root.addSubregion(0x800, port);
      machine.dirtyTracking.sync();
      machine.dirtyTracking.clear(memory, 0x10, 0x20);
      machine.dirtyTracking.afterSync();
      machine.dirtyTracking.stop(1);
    });
    expect(orderOf(lines, callback)).toBe(order);
    if (callback === 'logClear') expect(lines).toContain('a logClear 10-2f ram+10');
  });

  test('on different address spaces hear one begin and one commit around what either space changed', () => {
    const other = machine.addAddressSpace('other', container('top', 0x1000));
    machine.addListener(recorder(log, { name: 'x', priority: 15 }), other);
    const shared = ram('shared', 0x10);
    const lines = heard(() =>
      transaction(() => {
        root.addSubregion(0x900, shared);
        other.root?.addSubregion(0, MemoryRegion.alias('window', shared, 8, 8));
      }),
    );
    expect(orderOf(lines, 'begin')).toBe('abcxd');
    expect(lines.slice(5, 10)).toEqual([
      ...[...up].map((name) => `${name} add 900-90f shared+0`),
      'x add 0-7 shared+8',
    ]);
    expect(orderOf(lines, 'commit')).toBe('abcxd');
  });
});

test('a full pass hears of each topology commit of its machine, with what stayed; others only of theirs', () => {
  const other = machine.addAddressSpace('other', container('top', 0x1000));
  machine.addListener(recorder(log, { name: 'full', fullPass: true }), space);
  machine.addListener(recorder(log, { name: 'delta' }), space);
  const nops = ['full nop 0-ff ram+0', 'full nop 200-20f io+0'];
  expect(heard(() => other.root?.addSubregion(0, ram('far', 0x10)))).toEqual([
    'full begin',
    ...nops,
    'full commit',
  ]);
  const added = heard(() => root.addSubregion(0x100, ram('near', 0x10)));
  expect(added).toEqual([
    ...['full begin', 'delta begin', nops[0]],
    ...['full add 100-10f near+0', 'delta add 100-10f near+0', nops[1]],
    ...['full commit', 'delta commit'],
  ]);
});
