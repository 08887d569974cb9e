/** Listeners that come late, leave, are refused, throw, or lose their address space. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { DIRTY_CLIENT_VGA } from '../../src/base/dirty-log.ts';
import { AddressSpace } from '../../src/model/address-space.ts';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import { transaction } from '../../src/model/transaction.ts';
import type { ListenerReport, MemoryListener } from '../../src/publish/memory-listener.ts';
import { rangeAt } from '../../src/render/flat-view.ts';
import type { MemoryRegionSection } from '../../src/render/memory-region-section.ts';
import { Machine } from '../../src/service/machine.ts';
import type { MachineOptions } from '../../src/service/machine-options.ts';
import { codeOf } from '../support/code-of.ts';
import { notifier, recorder } from '../support/listening.ts';

const { container, ram, io } = MemoryRegion;
const machines: Machine[] = [];
const newMachine = (options: MachineOptions = {}): Machine => {
  const machine = new Machine({ ramReserveBytes: 2 ** 20, arenaBytes: 2 ** 20, ...options });
  machines.push(machine);
  return machine;
};
afterEach(async () => {
  await Promise.all(machines.splice(0).map((machine) => machine.close()));
});

let machine: Machine;
let root: MemoryRegion;
let memory: MemoryRegion;
let device: MemoryRegion;
let space: AddressSpace;
let log: string[];
let reports: ListenerReport[];

beforeEach(() => {
  reports = [];
  machine = newMachine({ onListenerError: (report) => reports.push(report) });
  root = container('root', 0x1000);
  memory = ram('ram', 0x100);
  device = io('io', 0x20, null);
  root.addSubregion(0, memory);
  root.addSubregion(0x200, device);
  root.addSubregionOverlap(0x208, io('hole', 0x10, null), 1);
  space = machine.addAddressSpace('space', root);
  log = [];
});

describe('a listener', () => {
  beforeEach(() => {
    memory.dirtyLog.setLog(true, DIRTY_CLIENT_VGA);
    device.coalescing.add(0x1c, 4); // does not show in the first part, and must not end the replay there
    device.coalescing.add(0, 4);
    device.coalescing.add(0x8, 0x18);
    device.eventfds.add({ offset: 0x18, size: 4, notifier: notifier(2) });
    device.eventfds.add({ offset: 0, size: 4, notifier: notifier(1) });
  });

  test('is told all of the view when it comes', () => {
    machine.addListener(recorder(log), space);
    expect(log).toEqual([
      'begin',
      'add 0-ff ram+0',
      'logStart ram 0>1',
      'add 200-207 io+0',
      'coalescedAdd 200-203',
      'add 208-217 hole+0',
      'add 218-21f io+18',
      'coalescedAdd 21c-21f',
      'coalescedAdd 218-21f',
      'eventfdAdd 200/4 #1',
      'eventfdAdd 218/4 #2',
      'commit',
    ]);
  });

  const teardown = [
    'begin',
    'logStop ram 1>0',
    'del 0-ff ram+0',
    'coalescedDel 200-203',
    'del 200-207 io+0',
    'del 208-217 hole+0',
    'coalescedDel 21c-21f',
    'coalescedDel 218-21f',
    'del 218-21f io+18',
    'eventfdDel 200/4 #1',
    'eventfdDel 218/4 #2',
    'commit',
  ];

  test('is told all of it back when it leaves, once', () => {
    const listener = recorder(log);
    machine.addListener(listener, space);
    log.length = 0;
    machine.removeListener(listener);
    expect(log).toEqual(teardown);
    machine.removeListener(listener);
    device.setEnabled(false);
    expect(log).toEqual(teardown);
  });

  test('is told all of it back when its address space goes, and goes with it', async () => {
    const listener = recorder(log);
    machine.addListener(listener, space);
    log.length = 0;
    const gone = machine.removeAddressSpace(space);
    expect(log).toEqual(teardown);
    machine.addAddressSpace(space);
    device.setEnabled(false);
    expect(log).toEqual(teardown);
    await gone;
    machine.addListener(listener, space);
  });

  test('may leave in the transaction in which its address space goes', () => {
    const listener = recorder(log);
    machine.addListener(listener, space);
    log.length = 0;
    transaction(() => {
      void machine.removeAddressSpace(space);
      machine.removeListener(listener);
    });
    expect(log).toEqual(teardown);
  });

  test('that comes inside a transaction is told what is published, and at its end what changes', () => {
    transaction(() => {
      device.setEnabled(false);
      machine.addListener(recorder(log), space);
      expect(log).toContain('add 200-207 io+0');
      log.length = 0;
    });
    expect(log).toContain('del 200-207 io+0');
  });

  test('finds the new map published and named by its sections, and the old one by what vanishes', () => {
    const seen: string[] = [];
    const note = (section: MemoryRegionSection): void => {
      const where = section.offsetWithinAddressSpace;
      const now = machine.flatViewOf(space);
      const its = section.flatView === now ? 'new' : 'old';
      seen.push(`${section.region.name} ${its}, ${rangeAt(now, where)?.region.name ?? 'nothing'} is mapped`);
    };
    machine.addListener({ name: 'looks', priority: 0, regionDel: note }, space);
    machine.addListener({ name: 'looks too', priority: 0, regionAdd: note }, space);
    seen.length = 0;
    memory.setAddress(0x800);
    expect(seen).toEqual(['ram old, nothing is mapped', 'ram new, ram is mapped']);
  });
});

describe('refused is', () => {
  const base = { name: 'listener', priority: 0 };
  test.each<[string, () => MemoryListener, RegExp]>([
    ['a name that is no string', () => ({ ...base, name: 1 as never }), /INVALID_ARGUMENT: a listener: name/],
    [
      'a negative priority',
      () => ({ ...base, priority: -1 }),
      /INVALID_ARGUMENT: listener 'listener': priority/,
    ],
    ['a priority of 2^32', () => ({ ...base, priority: 2 ** 32 }), /priority must be an integer/],
    [
      'logSync with logSyncGlobal',
      () => ({ ...base, logSync() {}, logSyncGlobal() {} }),
      /both logSync and logSyncG/,
    ],
  ])('%s', (_what, listener, message) => {
    expect(() => machine.addListener(listener(), space)).toThrow(message);
  });

  test('the same listener twice, on whatever address space', () => {
    machine.addListener(base, space);
    const other = machine.addAddressSpace('other');
    expect(() => machine.addListener(base, other)).toThrow(/registered already, on address space 'space'/);
  });

  test('an address space that is not there, or not yet', () => {
    expect(codeOf(() => machine.addListener(base, new AddressSpace('mine')))).toBe('ADDRESS_SPACE_UNKNOWN');
    transaction(() => {
      const added = machine.addAddressSpace('added');
      expect(() => machine.addListener(base, added)).toThrow(/ADDRESS_SPACE_UNKNOWN.*end of the transaction/);
    });
  });
});

describe('a listener that throws', () => {
  test('is reported, the others are called, and the commit completes', () => {
    const error = new Error('no slot left');
    const failing = {
      name: 'failing',
      priority: 0,
      regionAdd: () => {
        throw error;
      },
      commit: () => log.push('failing commit'),
    };
    machine.addListener(recorder(log, { name: 'first' }), space);
    machine.addListener(failing, space);
    machine.addListener(recorder(log, { name: 'last', priority: 1 }), space);
    reports.length = 0;
    log.length = 0;
    root.addSubregion(0x800, ram('new', 0x10));
    expect(reports).toMatchObject([{ listener: failing, callback: 'regionAdd', error }]);
    expect(reports[0]?.section?.region.name).toBe('new');
    expect(log).toEqual([
      ...['first begin', 'last begin', 'first add 800-80f new+0', 'last add 800-80f new+0'],
      ...['first commit', 'failing commit', 'last commit'],
    ]);
    expect(machine.query.isPresent(root, 0x800)).toBe(true);
  });

  test.each<[string, () => unknown]>([
    ['a mutator', () => device.setEnabled(false)],
    ['a transaction', () => transaction(() => {})],
    ['a registration', () => machine.addListener({ name: 'other', priority: 0 }, space)],
    ['a removal', () => machine.removeListener({ name: 'other', priority: 0 })],
    ['dirty tracking', () => machine.dirtyTracking.start(1)],
  ])('because it called %s from inside a commit, likewise', (_what, action) => {
    machine.addListener({ name: 'reenters', priority: 0, commit: () => void action() }, space);
    reports.length = 0;
    memory.setAddress(0x800);
    expect(reports).toMatchObject([
      { callback: 'commit', section: null, error: { code: 'TRANSACTION_REENTERED' } },
    ]);
    expect(device.enabled).toBe(true);
  });

  test('by default is a process warning that names it, the callback and the section', () => {
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const fail = (): never => {
      throw new Error('oh');
    };
    const plain = newMachine();
    plain.addListener(
      { name: 'failing', priority: 0, begin: fail, regionAdd: fail },
      plain.addAddressSpace('s', memory),
    );
    expect(warned.mock.calls.map(([message]) => message)).toEqual([
      "listener 'failing' threw in begin: Error: oh",
      "listener 'failing' threw in regionAdd for region 'ram' at 0x0 of address space 's': Error: oh",
    ]);
    warned.mockRestore();
  });
});

test('removeAddressSpace resolves after a grace period, inside a transaction after its end', async () => {
  const order: string[] = [];
  const done = transaction(() => {
    const promise = machine.removeAddressSpace(space);
    machine.callRcu(() => order.push('a grace period that began inside the transaction'));
    return { promise };
  }).promise.then(() => order.push('gone'));
  expect(machine.addressSpaces).toEqual([]);
  await done;
  expect(order).toEqual(['a grace period that began inside the transaction', 'gone']);
  await machine.removeAddressSpace(space);
});
