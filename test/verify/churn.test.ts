/** Which layouts a machine is walked through, and how fast. */
import { describe, expect, test } from 'vitest';
import { MemoryError } from '../../src/base/errors.ts';
import { AddressSpace } from '../../src/model/address-space.ts';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import { buildLayout, parseLayout } from '../../src/qemu/layout-file.ts';
import { BOARD_ANNOUNCED, BOARD_CHANGED, BOARD_PUBLISHED, createBoard } from '../../src/verify/board.ts';
import { ChurnDriver, type ChurnedMachine } from '../../src/verify/churn-driver.ts';
import { ChurnPlan, planChurn } from '../../src/verify/churn-plan.ts';
import type { LayoutChange } from '../../src/verify/layout-change.ts';
import { ProbeDevices } from '../../src/verify/probe-devices.ts';
import type { StateTables } from '../../src/verify/probe-program.ts';
import { Random } from '../../src/verify/random.ts';
import { machineCaptures } from '../support/captures.ts';
import { at, container, draw, io, ram } from '../support/drawing.ts';

const plan = (spaces: readonly AddressSpace[], regions: readonly MemoryRegion[], seed = 1): ChurnPlan =>
  planChurn(spaces, regions, new ProbeDevices(), new Random(seed));

describe('a plan', () => {
  test.each(machineCaptures().map(({ name, text }) => [name, text] as const))(
    'is found for %s, and leaves the tree enabled and mapped as it was',
    (name, text) => {
      const built = buildLayout(parseLayout(text, name));
      const regions = [...built.regionsById.values()];
      const placesNow = (): string[] =>
        regions.map(({ id, enabled, address, container, romd }) =>
          [id, enabled, address, container?.id, romd].join(),
        );
      const before = placesNow();
      const found = plan(built.addressSpaces, regions);
      expect(found.changes.length).toBeGreaterThanOrEqual(2);
      expect(new Set(found.changes.map(({ region }) => region)).size).toBe(found.changes.length);
      expect(placesNow()).toEqual(before);
      for (let step = 1; step <= found.stateCount; step += 1) found.apply(step);
      expect(placesNow()).toEqual(before);
    },
  );

  test('begins and ends changes in turn, two of them overlapping', () => {
    const log: string[] = [];
    const change = (name: string): LayoutChange => ({
      kind: 'move',
      region: io(name, 1),
      apply: () => void log.push(`+${name}`),
      revert: () => void log.push(`-${name}`),
    });
    const three = new ChurnPlan(['a', 'b', 'c'].map(change));
    expect(three.stateCount).toBe(6);
    for (let step = 1; step <= 7; step += 1) three.apply(step);
    expect(log.join(' ')).toBe('+a +b -a +c -b -c +a');
  });

  test('switches between aliases at one place, as PAM registers do', () => {
    const below = ram('Ram', 0x8000);
    const bus = container('bus', 0x8000, [at(0, io('Device', 0x8000))]);
    const pam = (name: string, target: MemoryRegion, enabled: boolean): MemoryRegion =>
      MemoryRegion.alias(name, target, 0x4000, 0x1000, { enabled });
    const flash = MemoryRegion.alias('pam-bus', bus, 0x4000, 0x1000, { enabled: false });
    const root = container('system', 0x8000, [
      at(0, below),
      at(0x4000, pam('pam-ram', below, true), 1),
      at(0x4000, flash, 1),
    ]);
    const found = plan([new AddressSpace('memory', root)], [flash]);
    expect(found.changes[0]).toMatchObject({ kind: 'switch', region: flash });
    found.apply(1);
    expect(draw(root)).toBe('RRRRDRRR');
    found.apply(2);
    expect(flash.enabled).toBe(false);
  });

  test('plugs devices in where nothing else can change', () => {
    const root = container('system', 0x100000, [at(0, ram('Ram', 0x8000))]);
    const found = plan([new AddressSpace('memory', root)], []);
    expect(found.changes.map(({ kind }) => kind)).toEqual(['plug', 'plug']);
    found.apply(1);
    expect(root.children).toHaveLength(2);
  });

  test('is empty for a machine that shows nothing', () => {
    const found = plan([new AddressSpace('memory', null)], []);
    expect(found).toMatchObject({ isEmpty: true, stateCount: 1 });
  });
});

describe('the driver', () => {
  const tables = {
    changes: Int32Array.of(0, 1, 0, 1),
    stateCount: 2,
    groupCount: 2,
  } as unknown as StateTables;
  const fakeMachine = (): ChurnedMachine & { waits: number } => ({
    layoutTag: 0,
    waits: 0,
    gauges: { publications: 0 },
    async synchronize() {
      this.waits += 1;
    },
    callRcu: (callback) => void setImmediate(callback),
  });
  const planOf = (apply: (step: number) => void): ChurnPlan =>
    ({ isEmpty: false, stateCount: 2, apply }) as unknown as ChurnPlan;

  test('keeps to the rate that was asked for', async () => {
    let steps = 0;
    const driver = new ChurnDriver(
      fakeMachine(),
      planOf(() => void (steps += 1)),
      tables,
      [0],
      createBoard(1),
    );
    await driver.run(200, 0.5);
    expect(steps).toBeGreaterThan(50);
    expect(steps).toBeLessThanOrEqual(101);
    expect(driver.commits.count).toBe(steps);
  });

  test('waits for readers under back-pressure, then does the same step again', async () => {
    const steps: number[] = [];
    const machine = fakeMachine();
    const board = createBoard(1);
    const driver = new ChurnDriver(
      machine,
      planOf((step) => {
        steps.push(step);
        if (steps.length === 3) throw new MemoryError('BACK_PRESSURE', 'too much garbage');
        if (steps.length === 6) driver.stop();
        if (steps.length > 6) throw new Error('it was stopped');
      }),
      tables,
      [0, 1],
      board,
    );
    await driver.run('max', 5).catch(() => {});
    expect(steps.slice(0, 6)).toEqual([1, 2, 3, 3, 4, 5]);
    expect(machine.waits).toBe(1);
    expect(driver.backPressure).toBe(1);
  });

  test('says on the board what is about to change, and what has', async () => {
    const board = createBoard(1);
    const machine = fakeMachine();
    const seen: number[][] = [];
    const driver = new ChurnDriver(
      machine,
      planOf((step) => {
        seen.push([step, machine.layoutTag, board[BOARD_ANNOUNCED]!, board[BOARD_PUBLISHED]!]);
      }),
      tables,
      [0, 1],
      board,
    );
    await driver.run(40, 0.1);
    expect(seen.slice(0, 2)).toEqual([
      [1, 1, 1, 0],
      [2, 2, 2, 1],
    ]);
    const last = board[BOARD_PUBLISHED]!;
    const lastOdd = last % 2 === 1 ? last : last - 1;
    expect([board[BOARD_CHANGED], board[BOARD_CHANGED + 1]]).toEqual([lastOdd, lastOdd]);
  });

  test('lets every other failure out', async () => {
    const fails = planOf(() => {
      throw new MemoryError('ARENA_FULL', 'no room');
    });
    const driver = new ChurnDriver(fakeMachine(), fails, tables, [0], createBoard(1));
    await expect(driver.run('max', 1)).rejects.toThrow(/ARENA_FULL/);
  });
});
