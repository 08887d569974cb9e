/** Global dirty tracking: reasons, masks, refusals, and stops that wait for the vCPUs to run. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  DIRTY_CLIENT_MIGRATION,
  DIRTY_CLIENT_VGA,
  DIRTY_TRACKING_DIRTY_RATE,
  DIRTY_TRACKING_LIMIT,
  DIRTY_TRACKING_MIGRATION,
} from '../../src/base/dirty-log.ts';
import type { AddressSpace } from '../../src/model/address-space.ts';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import { registerParticipant, transaction, unregisterParticipant } from '../../src/model/transaction.ts';
import type { Publication } from '../../src/publish/publications.ts';
import { Machine } from '../../src/service/machine.ts';
import { codeOf } from '../support/code-of.ts';
import { recorder } from '../support/listening.ts';

const MIGRATION_BIT = 1 << DIRTY_CLIENT_MIGRATION;
const { container, ram, rom, io, romDevice } = MemoryRegion;

let machine: Machine;
let memory: MemoryRegion;
let space: AddressSpace;
let log: string[];
beforeEach(() => {
  machine = new Machine({ ramReserveBytes: 2 ** 20, arenaBytes: 2 ** 20, checked: true });
  const root = container('root', 0x10000);
  memory = ram('ram', 0x100);
  for (const [index, region] of [
    memory,
    rom('rom', 0x10),
    io('io', 0x10, null),
    romDevice('romd', 0x10, null),
  ].entries())
    root.addSubregion(index * 0x1000, region);
  space = machine.addAddressSpace('space', root);
  log = [];
});
afterEach(() => machine.close());

const masks = (): number[] => machine.flatViewOf(space).ranges.map(({ dirtyLogMask }) => dirtyLogMask);
function heard(action: () => unknown): string[] {
  log.length = 0;
  action();
  return [...log];
}
const started = [
  'logGlobalStart',
  'begin',
  'logStart ram 0>4',
  'logStart rom 0>4',
  'logStart romd 0>4',
  'commit',
];
const stopped = [
  'begin',
  'logStop ram 4>0',
  'logStop rom 4>0',
  'logStop romd 4>0',
  'commit',
  'logGlobalStop',
];

describe('tracking', () => {
  beforeEach(() => machine.addListener(recorder(log), space));

  test('sets the migration bit of all that has bytes, from the first reason to the last', () => {
    const { dirtyTracking } = machine;
    expect(heard(() => dirtyTracking.start(DIRTY_TRACKING_MIGRATION))).toEqual(started);
    expect(masks()).toEqual([MIGRATION_BIT, MIGRATION_BIT, 0, MIGRATION_BIT]);
    expect(heard(() => dirtyTracking.start(DIRTY_TRACKING_LIMIT | DIRTY_TRACKING_MIGRATION))).toEqual([]);
    expect(heard(() => dirtyTracking.stop(DIRTY_TRACKING_MIGRATION | DIRTY_TRACKING_DIRTY_RATE))).toEqual([]);
    expect(dirtyTracking.reasons).toBe(DIRTY_TRACKING_LIMIT);
    expect(heard(() => dirtyTracking.stop(DIRTY_TRACKING_LIMIT))).toEqual(stopped);
    expect(masks()).toEqual([0, 0, 0, 0]);
  });

  test('publishes new views, in which no address answers differently', () => {
    const seen: Publication[] = [];
    machine.onPublication((publication) => seen.push(publication));
    const before = machine.flatViewOf(space);
    machine.dirtyTracking.start(DIRTY_TRACKING_MIGRATION);
    expect(machine.flatViewOf(space)).not.toBe(before);
    expect(seen).toEqual([
      { generation: expect.any(Number), changed: [{ addressSpace: space, windows: [] }] },
    ]);
  });

  test('masks what appears later, and is told to who comes later', () => {
    machine.dirtyTracking.start(DIRTY_TRACKING_DIRTY_RATE);
    const late = heard(() => space.root?.addSubregion(0x8000, ram('late', 0x10)));
    expect(late).toContain('logStart late 0>4');
    const newcomer = heard(() => machine.addListener(recorder(log, { name: 'new' }), space));
    expect(newcomer.slice(0, 4)).toEqual([
      ...['new begin', 'new logGlobalStart', 'new add 0-ff ram+0', 'new logStart ram 0>4'],
    ]);
  });

  test('that ends while the vCPUs are paused ends when they run', async () => {
    const { dirtyTracking } = machine;
    dirtyTracking.start(DIRTY_TRACKING_MIGRATION | DIRTY_TRACKING_LIMIT);
    await machine.pause();
    expect(heard(() => dirtyTracking.stop(DIRTY_TRACKING_MIGRATION))).toEqual([]);
    expect(heard(() => dirtyTracking.stop(DIRTY_TRACKING_LIMIT))).toEqual([]);
    expect(dirtyTracking.reasons).toBe(DIRTY_TRACKING_MIGRATION | DIRTY_TRACKING_LIMIT);
    expect(heard(() => machine.resume())).toEqual(stopped);
    expect(heard(() => machine.resume())).toEqual([]);
  });

  test('that starts again while its end is postponed: other reasons end first, the same goes on', async () => {
    const { dirtyTracking } = machine;
    dirtyTracking.start(DIRTY_TRACKING_MIGRATION);
    await machine.pause();
    dirtyTracking.stop(DIRTY_TRACKING_MIGRATION);
    expect(heard(() => dirtyTracking.start(DIRTY_TRACKING_MIGRATION))).toEqual([]);
    dirtyTracking.stop(DIRTY_TRACKING_MIGRATION);
    expect(heard(() => dirtyTracking.start(DIRTY_TRACKING_LIMIT))).toEqual([...stopped, ...started]);
    expect(heard(() => machine.resume())).toEqual([]);
    expect(dirtyTracking.reasons).toBe(DIRTY_TRACKING_LIMIT);
  });

  test('asks for the dirty bits of what is logged, and says what is cleared', () => {
    const { dirtyTracking } = machine;
    expect(heard(() => dirtyTracking.sync())).toEqual([]);
    memory.dirtyLog.setLog(true, DIRTY_CLIENT_VGA);
    expect(heard(() => dirtyTracking.sync())).toEqual(['logSync 0-ff ram+0']);
    dirtyTracking.start(DIRTY_TRACKING_MIGRATION);
    expect(heard(() => dirtyTracking.sync(memory))).toEqual(['logSync 0-ff ram+0']);
    expect(heard(() => dirtyTracking.sync())).toHaveLength(3);
    space.root?.addSubregionOverlap(0x40, io('hole', 0x40, null), 1);
    expect(heard(() => dirtyTracking.clear(memory, 0x20, 0x80))).toEqual([
      ...['logClear 20-3f ram+20', 'logClear 80-9f ram+80'],
    ]);
    expect(heard(() => dirtyTracking.clear(memory, 0x50, 0x10))).toEqual([]);
    expect(codeOf(() => dirtyTracking.clear(memory, 0xff, 2))).toBe('INVALID_ARGUMENT');
    expect(heard(() => dirtyTracking.afterSync())).toEqual(['logGlobalAfterSync']);
  });
});

test('a listener that knows no ranges is asked once, with the stage', () => {
  const stages: boolean[] = [];
  machine.addListener({ name: 'global', priority: 0, logSyncGlobal: (last) => stages.push(last) }, space);
  machine.dirtyTracking.sync();
  machine.dirtyTracking.sync(null, true);
  expect(stages).toEqual([false, true]);
});

describe('a start is refused, and nothing is tracked,', () => {
  const refusing = {
    name: 'refusing',
    priority: 5,
    logGlobalStart: (): void => {
      throw new Error('no room for a log');
    },
  };

  test('by a listener: those that had started are stopped in reverse', () => {
    for (const [name, priority] of [
      ['a', 1],
      ['b', 2],
      ['z', 9],
    ] as const)
      machine.addListener(recorder(log, { name, priority }), space);
    machine.addListener(refusing, space);
    const lines = heard(() =>
      expect(() => machine.dirtyTracking.start(DIRTY_TRACKING_MIGRATION)).toThrow(
        /LISTENER_REFUSED.*'refusing'/,
      ),
    );
    expect(lines).toEqual(['a logGlobalStart', 'b logGlobalStart', 'b logGlobalStop', 'a logGlobalStop']);
    expect([machine.dirtyTracking.reasons, ...masks()]).toEqual([0, 0, 0, 0, 0]);
  });

  test('by a listener that comes while it is on: it is not registered', () => {
    machine.dirtyTracking.start(DIRTY_TRACKING_MIGRATION);
    expect(codeOf(() => machine.addListener(refusing, space))).toBe('LISTENER_REFUSED');
    machine.dirtyTracking.stop(DIRTY_TRACKING_MIGRATION);
    machine.addListener(refusing, space);
  });

  test('by a publication that fails: all listeners are stopped', () => {
    machine.addListener(recorder(log, { name: 'a' }), space);
    const failing = {
      prepare: (): never => {
        throw new Error('no room for the views');
      },
    };
    registerParticipant(failing);
    const start = (): void => machine.dirtyTracking.start(DIRTY_TRACKING_MIGRATION);
    const lines = heard(() => expect(start).toThrow('no room for the views'));
    unregisterParticipant(failing);
    expect(lines).toEqual(['a logGlobalStart', 'a logGlobalStop']);
    memory.setAddress(0x100);
    expect([machine.dirtyTracking.reasons, ...masks()]).toEqual([0, 0, 0, 0, 0]);
  });

  test('for reasons that are none, or inside a transaction', () => {
    for (const reasons of [0, 8, -1, 1.5, Number.NaN])
      expect(codeOf(() => machine.dirtyTracking.start(reasons))).toBe('INVALID_ARGUMENT');
    expect(codeOf(() => machine.dirtyTracking.stop(16))).toBe('INVALID_ARGUMENT');
    transaction(() => expect(codeOf(() => machine.dirtyTracking.start(1))).toBe('TRANSACTION_OPEN'));
  });
});
