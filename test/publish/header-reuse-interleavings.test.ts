/**
 * Every order of a reader's refresh and a writer that reuses the very cell that the reader has: between the
 * reader's announcement and its load of the root, the cell may be reclaimed, given to a newer view and
 * published again. So a port knows its view by cell and version (ViewReader.refresh).
 */
import { expect, test } from 'vitest';
import { generationReached } from '../../src/layout/control-block.ts';
import { SAFE, step, stepsOf, type Walk, walkOrders } from '../support/interleavings.ts';

const GENERATION = 0;
const ROOT = 1;
const ANNOUNCED = 2;
const VERSION = 4; // + cell: VIEW_VERSION of the view in that cell

function walk(knowsBy: 'cell and version' | 'cell'): Walk {
  return walkOrders(() => {
    const words = new Int32Array(new SharedArrayBuffer(32));
    words.set([1, 0, 1, 0, 1]); // view 1 in cell 0 is published, and announced
    let fault: string | null = SAFE;

    const publish = (cell: number, version: number, generation: number) => [
      step(`write view ${version} into cell ${cell}`, () => Atomics.store(words, VERSION + cell, version)),
      step(`store root ${cell}`, () => Atomics.store(words, ROOT, cell)),
      step('advance', () => Atomics.store(words, GENERATION, generation)),
    ];
    const passed = () => generationReached(Atomics.load(words, ANNOUNCED), 3);
    const writer = stepsOf(
      'writer',
      ...publish(1, 2, 3),
      step('await reader', () => {}, passed),
      ...publish(0, 3, 5),
    );

    let [generation, cell, version, tlb] = [1, 0, 1, 1]; // tlb: the view that the TLB was filled from
    let root = 0;
    const checkpoint = (nth: number) => [
      step('load GENERATION', () => {
        const now = Atomics.load(words, GENERATION);
        const isNew = now !== generation;
        generation = now;
        return isNew ? undefined : `use #${nth}`;
      }),
      step('announce', () => Atomics.store(words, ANNOUNCED, generation)),
      step('load root', () => {
        root = Atomics.load(words, ROOT);
      }),
      step('load VIEW_VERSION', () => {
        const found = Atomics.load(words, VERSION + root);
        const isKnown = root === cell && (knowsBy === 'cell' || found === version);
        [cell, version] = [root, found];
        if (!isKnown) tlb = found;
      }),
      step(`use #${nth}`, () => {
        if (Atomics.load(words, VERSION + cell) !== tlb)
          fault = `a TLB of view ${tlb} serves view ${version}`;
      }),
    ];
    const reader = stepsOf('reader', ...checkpoint(1), ...checkpoint(2), ...checkpoint(3));
    const offline = stepsOf(
      'end',
      step(
        'offline',
        () => Atomics.store(words, ANNOUNCED, 0),
        () => reader.isDone,
      ),
    );
    return { threads: [writer, reader, offline], verdict: () => fault };
  });
}

test('by cell and version no TLB serves another view, in any order', () => {
  const result = walk('cell and version');
  expect(result.firstBad).toBe('');
  expect(result.orders).toBeGreaterThan(100);
});

test('by cell alone it does: the walk convicts it', () => {
  const result = walk('cell');
  expect(result.unsafe).toBeGreaterThan(0);
  expect(result.firstBad).toContain('a TLB of view 1 serves view 3');
});
