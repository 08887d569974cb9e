/** The log of the control side's steps, and what a replay finds when it compares its layouts with it. */
import { describe, expect, test } from 'vitest';
import { StepLog } from '../../stress/step-log.ts';

const published = (log: StepLog, texts: readonly string[]): StepLog => {
  for (const text of texts) log.published(text);
  return log;
};
const many = Array.from({ length: 1000 }, (_, index) => `move ${index}`);

test('steps and layouts are kept in their order, and layouts are numbered', () => {
  const log = new StepLog();
  log.published('a');
  log.did('waits');
  log.published('b');
  expect(log.kept.map(({ text, layout }) => [text, layout?.number])).toEqual([
    ['a', 1],
    ['waits', undefined],
    ['b', 2],
  ]);
});

test('of a long run the first steps and the last ones are kept', () => {
  const log = published(new StepLog(), many);
  const numbers = log.kept.map(({ layout }) => layout!.number);
  expect(log.stepCount).toBe(1000);
  expect(numbers.slice(0, 2)).toEqual([1, 2]);
  expect(numbers.at(-1)).toBe(1000);
  expect(numbers.length).toBeLessThan(300);
});

describe('a replay', () => {
  const recorded = published(new StepLog(), many).kept;

  test('that decides the same says how far that was seen', () => {
    expect(published(new StepLog(recorded), many).comparison).toEqual({ same: 1000, difference: null });
    expect(published(new StepLog(recorded), many.slice(0, 10)).comparison).toEqual({
      same: 10,
      difference: null,
    });
  });

  test('names the first layout that differs', () => {
    const { same, difference } = published(new StepLog(recorded), ['move 0', 'stay', 'move 2']).comparison;
    expect({ same, difference }).toEqual({
      same: 1,
      difference: { number: 2, recorded: 'move 1', now: 'stay' },
    });
  });

  test('finds a difference where nothing was kept, by what comes after it', () => {
    const other = many.map((text, index) => (index === 500 ? 'stay' : text));
    const { same, difference } = published(new StepLog(recorded), other).comparison;
    expect(same).toBeLessThan(500);
    expect(difference!.number).toBeGreaterThan(500);
  });

  test('is not confused by steps that publish nothing, for threads decide when they come', () => {
    const log = new StepLog(recorded);
    for (const text of many) {
      log.did('waits');
      log.published(text);
    }
    expect(log.comparison).toEqual({ same: 1000, difference: null });
  });
});
