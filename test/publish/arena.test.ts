import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CELL_BYTES, CELL_FIRST_FREE, cellWord, POISON } from '../../src/layout/map-entry.ts';
import { Arena } from '../../src/publish/arena.ts';
import { codeOf } from '../support/code-of.ts';

interface Action {
  readonly allocates: boolean;
  readonly which: number;
}
const actions = fc.array(fc.record({ allocates: fc.boolean(), which: fc.nat() }), { maxLength: 120 });

/** Runs a history and checks the arena's account and the cells after each action. */
function runHistory(arena: Arena, history: readonly Action[]): void {
  const live: number[] = [];
  for (const { allocates, which } of history) {
    if (allocates) {
      const before = [arena.usedBytes, arena.freeBytes, arena.highWaterBytes];
      const code = codeOf(() => live.push(arena.allocate()));
      if (code !== undefined)
        expect([code, arena.usedBytes, arena.freeBytes, arena.highWaterBytes]).toEqual([
          'ARENA_FULL',
          ...before,
        ]);
    } else if (live.length > 0) arena.release(live.splice(which % live.length, 1)[0]!);
    expect(new Set(live).size, 'no cell is handed out twice').toBe(live.length);
    expect(Math.min(CELL_FIRST_FREE, ...live)).toBe(CELL_FIRST_FREE);
    expect(arena.usedBytes).toBe((live.length + CELL_FIRST_FREE) * CELL_BYTES);
    expect(arena.usedBytes + arena.freeBytes).toBe(arena.highWaterBytes);
    expect(arena.highWaterBytes).toBeLessThanOrEqual(arena.words.byteLength);
  }
  for (const cell of live) arena.release(cell);
  expect(arena.usedBytes).toBe(CELL_FIRST_FREE * CELL_BYTES);
}

describe('any history of allocations and releases', () => {
  test('keeps used + free = high water, and hands no cell out twice', () => {
    fc.assert(fc.property(actions, (history) => runHistory(new Arena(64 * 1024, true), history)));
  });
  test('also where the arena is full most of the time', () => {
    fc.assert(fc.property(actions, (history) => runHistory(new Arena(8 * CELL_BYTES, true), history)));
  });
});

describe('a release', () => {
  test('fills the cell with poison, and nothing beside it', () => {
    const arena = new Arena(4096, true);
    const [before, cell, after] = [arena.allocate(), arena.allocate(), arena.allocate()];
    for (const each of [before, cell, after]) arena.words[cellWord(each)] = each;
    arena.release(cell);
    for (let word = cellWord(cell); word < cellWord(cell + 1); word += 1)
      expect(arena.words[word]).toBe(POISON);
    expect(arena.words[cellWord(before)]).toBe(before);
    expect(arena.words[cellWord(after)]).toBe(after);
  });
  test('leaves the bytes alone where poison is off', () => {
    const arena = new Arena(4096, false);
    const cell = arena.allocate();
    arena.words[cellWord(cell)] = 5;
    arena.release(cell);
    expect(arena.words[cellWord(cell)]).toBe(5);
  });
  test('of what never was in the arena is a broken invariant', () => {
    const arena = new Arena(4096, true);
    expect(() => arena.release(1)).toThrow('a freed cell lies in the arena');
    expect(() => arena.release(40)).toThrow('a freed cell lies in the arena');
  });
});

test('a full arena says how large it is and what to do, and goes on once a cell is free', () => {
  const arena = new Arena(4 * CELL_BYTES, true);
  const cell = arena.allocate();
  arena.allocate();
  expect(() => arena.allocate()).toThrow(/all 256 bytes of the arena are in use.*arenaBytes/);
  arena.release(cell);
  expect(arena.allocate()).toBe(cell);
});
