import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CELL_BYTES, CELL_FIRST_FREE, cellWord, POISON } from '../../src/layout/map-entry.ts';
import { Arena, type CellRun } from '../../src/publish/arena.ts';
import { codeOf } from '../support/code-of.ts';

/** The cells that a run of `count` takes: the next power of two. */
const cellsOf = ({ cell, count }: CellRun): number[] =>
  Array.from({ length: 2 ** Math.ceil(Math.log2(count)) }, (_, i) => cell + i);

interface Action {
  /** Cells to allocate, or 0: release. */
  readonly count: number;
  readonly which: number;
}
const actions = fc.array(
  fc.record({
    count: fc.oneof(fc.constant(0), fc.constant(1), fc.integer({ min: 1, max: 20 })),
    which: fc.nat(),
  }),
  { maxLength: 120 },
);

/** Runs a history and checks the arena's account and the runs after each action. */
function runHistory(arena: Arena, history: readonly Action[]): void {
  const live: CellRun[] = [];
  for (const { count, which } of history) {
    if (count > 0) {
      const before = [arena.usedBytes, arena.freeBytes, arena.highWaterBytes];
      let cell = -1;
      const code = codeOf(() => {
        cell = arena.allocate(count);
      });
      if (code === undefined) live.push({ cell, count });
      else
        expect([code, arena.usedBytes, arena.freeBytes, arena.highWaterBytes]).toEqual([
          'ARENA_FULL',
          ...before,
        ]);
    } else if (live.length > 0) {
      const [run] = live.splice(which % live.length, 1);
      arena.release(run!.cell, run!.count);
    }
    const cells = live.flatMap(cellsOf);
    expect(new Set(cells).size, 'no two live runs share a cell').toBe(cells.length);
    expect(Math.min(CELL_FIRST_FREE, ...cells)).toBe(CELL_FIRST_FREE);
    expect(arena.usedBytes).toBe((cells.length + CELL_FIRST_FREE) * CELL_BYTES);
    expect(arena.usedBytes + arena.freeBytes).toBe(arena.highWaterBytes);
    expect(arena.highWaterBytes).toBeLessThanOrEqual(arena.words.byteLength);
  }
  for (const run of live) arena.release(run.cell, run.count);
  expect(arena.usedBytes).toBe(CELL_FIRST_FREE * CELL_BYTES);
}

describe('any history of allocations and releases', () => {
  test('keeps used + free = high water, and no two live runs overlap', () => {
    fc.assert(fc.property(actions, (history) => runHistory(new Arena(64 * 1024, true), history)));
  });
  test('also where the arena is full most of the time', () => {
    fc.assert(fc.property(actions, (history) => runHistory(new Arena(24 * CELL_BYTES, true), history)));
  });
});

describe('a release', () => {
  test('fills the run with poison, and nothing beside it', () => {
    const arena = new Arena(4096, true);
    const [before, run, after] = [arena.allocate(1), arena.allocate(3), arena.allocate(1)];
    for (const cell of [before, run, run + 1, run + 2, run + 3, after]) arena.words[cellWord(cell)] = cell;
    arena.release(run, 3);
    for (let word = cellWord(run); word < cellWord(run + 4); word += 1)
      expect(arena.words[word]).toBe(POISON);
    expect(arena.words[cellWord(before)]).toBe(before);
    expect(arena.words[cellWord(after)]).toBe(after);
  });
  test('leaves the bytes alone where poison is off', () => {
    const arena = new Arena(4096, false);
    const cell = arena.allocate(1);
    arena.words[cellWord(cell)] = 5;
    arena.release(cell, 1);
    expect(arena.words[cellWord(cell)]).toBe(5);
  });
  test('gives a run that the next allocation of its size gets', () => {
    const arena = new Arena(4096, true);
    const cell = arena.allocate(4);
    arena.release(cell, 4);
    expect([arena.allocate(2), arena.allocate(2)].sort()).toEqual([cell, cell + 2]);
  });
  test('of what never was in the arena is a broken invariant', () => {
    const arena = new Arena(4096, true);
    expect(() => arena.release(1, 1)).toThrow('a freed run lies in the arena');
    expect(() => arena.release(40, 1)).toThrow('a freed run lies in the arena');
  });
});

test('a full arena says how full it is and what to do', () => {
  const arena = new Arena(4 * CELL_BYTES, true);
  arena.allocate(1);
  expect(() => arena.allocate(2)).toThrow(
    /2 cells of 64 bytes do not fit: 192 of 256 bytes are in use.*arenaBytes/,
  );
  expect(arena.allocate(1)).toBe(3);
});
