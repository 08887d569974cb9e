/** The litmus shapes on real threads, and what would convict the engine, or the harness of being too weak. */
import { describe, expect, test } from 'vitest';
import { ARENA_WORDS, clearArena, INSTANCES, runBatch, tally } from '../../stress/litmus/arena.ts';
import { litmusFaults, litmusShapes } from '../../stress/litmus/shapes.ts';
import { runScenario } from '../../stress/run-scenario.ts';
import { litmus } from '../../stress/scenarios/litmus.ts';

const shapeOf = (name: string) => litmusShapes.find((shape) => shape.name === name)!;

test('threads that meet never show what Atomics forbid, and show that plain stores wait in their processor', async () => {
  const { verdict } = await runScenario(litmus, { seconds: 0.1, vcpus: 1, seed: 1, mutant: null });
  expect(verdict).toMatchObject({ passed: true, violations: 0 });
  for (const { name } of litmusShapes) expect(verdict.detail).toContain(`\n${name}: `);
});

describe('outcomes are convicted', () => {
  test.each([
    ['MP', '10'],
    ['SB', '00'],
    ['LB', '11'],
    ['IRIW', '1010'],
    ['CoRR', '10'],
  ])('%s that shows %s', (name, outcome) => {
    const counts = new Map([
      ['01', 5],
      [outcome, 2],
    ]);
    expect(litmusFaults(shapeOf(name), counts)).toEqual([
      `${name}: ${outcome}, which is forbidden, came 2 times`,
    ]);
    counts.delete(outcome);
    expect(litmusFaults(shapeOf(name), counts)).toEqual([]);
  });

  test.each(['SB, one store plain', 'SB, all plain'])('%s that never shows 00', (name) => {
    expect(litmusFaults(shapeOf(name), new Map([['01', 5]]))).toEqual([
      `${name}: 00 never came, so the threads do not meet`,
    ]);
    expect(litmusFaults(shapeOf(name), new Map([['00', 1]]))).toEqual([]);
  });
});

/** Each row: what comes out if the threads run one after the other, in their order. */
test.each([
  ['MP', '11'],
  ['SB', '01'],
  ['LB', '01'],
  ['IRIW', '1111'],
  ['CoRR', '11'],
  ['SB, one store plain', '01'],
  ['SB, all plain', '01'],
  ['MP, all plain', '11'],
  ['LB, all plain', '01'],
  ['IRIW, all plain', '1111'],
  ['CoRR, all plain', '11'],
])('%s gives %s if nothing happens at the same time', (name, outcome) => {
  const shape = shapeOf(name);
  const words = new Int32Array(new SharedArrayBuffer(4 * ARENA_WORDS));
  const counts = new Map<string, number>();
  for (let batch = 0; batch < 2; batch += 1) {
    clearArena(words);
    for (const [thread, { body }] of shape.threads.entries()) runBatch(words, thread, 1, body);
    tally(words, shape, counts);
  }
  expect([...counts]).toEqual([[outcome, 2 * INSTANCES]]);
});
