/**
 * Holds on views under the walk: a reader stores a hold and then announces, the writer looks for holds after the
 * grace period and not before. And the real HoldTaker and HoldKeeper: what they do to shared words.
 */
import { describe, expect, test } from 'vitest';
import { HoldKeeper } from '../../src/grace/hold-keeper.ts';
import { HoldTaker } from '../../src/grace/hold-taker.ts';
import { createControlBlock, readerHoldsWord, WORD_HOLDS_ENDED } from '../../src/layout/control-block.ts';
import { HOLD_COUNT, HOLD_VIEWS } from '../../src/layout/reader-holds.ts';
import { GraceModel, ModelReader, ModelWriter } from '../support/grace-steps.ts';
import { END, SAFE, type Step, step, stepsOf, type Walk, walkOrders } from '../support/interleavings.ts';
import { operationsOf } from '../support/stepped-atomics.ts';

const HOLD = 12; // a word of GraceModel that it does not use: 1 + view, or 0
const DATA = 2; // where GraceModel has its views
const ENDED = 13;

/** Both sides of one order; the view in question is 0, which the reader begins with. */
class Holding {
  readonly model = new GraceModel();
  readonly reader = new ModelReader(this.model, 0).beginOnline();
  readonly writer = new ModelWriter(this.model);
  private isKept = false;
  private seen = -1;
  asleep = false;

  hold = step('store hold', () => Atomics.store(this.model.words, HOLD, 1));
  unhold = step('clear hold', () => Atomics.store(this.model.words, HOLD, 0));
  ended = step('add to ENDED and notify', () => {
    Atomics.add(this.model.words, ENDED, 1);
    this.asleep = false;
  });
  /** Uses the view that is held, whatever the port's view is by now. */
  useHeld = step('use held', () => {
    if (Atomics.load(this.model.words, DATA) !== 100) this.model.fault = 'a held view used after reuse';
  });

  lookForHolds = step('look for holds', () => {
    this.isKept = Atomics.load(this.model.words, HOLD) === 1;
  });
  reuseUnlessKept: Step = step('reuse unless kept', () => {
    if (!this.isKept) void this.writer.reuse(0).run();
    return this.isKept ? undefined : END;
  });
  /** HoldKeeper.watch(): sleeps until a hold ends. */
  loadEnded = step('load ENDED', () => {
    this.seen = Atomics.load(this.model.words, ENDED);
  });
  lookAgain = step('look again', () => {
    this.isKept = Atomics.load(this.model.words, HOLD) === 1;
    if (this.isKept) return undefined;
    void this.writer.reuse(0).run();
    return END;
  });
  sleep = step('waitAsync', () => {
    this.asleep = Atomics.load(this.model.words, ENDED) === this.seen;
  });
  wake = step(
    'wake',
    () => 'load ENDED',
    () => !this.asleep,
  );
}

type Program = (h: Holding) => Step[];

function walk(writer: Program, reader: Program): Walk {
  return walkOrders(() => {
    const h = new Holding();
    return {
      threads: [stepsOf('writer', ...writer(h)), stepsOf('reader', ...reader(h))],
      verdict: () => h.model.fault ?? SAFE,
    };
  });
}

const watch: Program = (h) => [h.loadEnded, h.lookAgain, h.sleep, h.wake];
const reclaims: Program = (h) => [
  ...h.writer.publish(0, 1),
  ...[h.writer.await(0, 0), h.lookForHolds, h.reuseUnlessKept],
  ...watch(h),
];
const holds: Program = (h) => [
  ...[h.hold, ...h.reader.checkpoint(), h.useHeld, h.unhold, h.ended, h.reader.offline()],
];

describe('no order reuses a view that is held', () => {
  test('a hold that is taken, used over checkpoints and ended; and its end wakes the writer', () => {
    const result = walk(reclaims, holds);
    expect(result.firstBad).toBe('');
    expect(result).toMatchObject({ unsafe: 0, deadlocks: 0 });
    expect(result.orders).toBeGreaterThan(100);
  });
  test('a hold that outlives the time online', () => {
    const result = walk(reclaims, (h) => [h.hold, h.reader.offline(), h.useHeld, h.unhold, h.ended]);
    expect(result).toMatchObject({ firstBad: '', unsafe: 0, deadlocks: 0 });
  });
});

describe('wrong protocols are convicted', () => {
  test('a hold that is taken after the checkpoint', () => {
    const late: Program = (h) => [
      ...h.reader.checkpoint(),
      h.hold,
      h.useHeld,
      h.unhold,
      h.ended,
      h.reader.offline(),
    ];
    expect(walk(reclaims, late).unsafe).toBeGreaterThan(0);
  });
  test('a writer that looks for holds before the grace period is over', () => {
    const early: Program = (h) => [
      ...h.writer.publish(0, 1),
      ...[h.lookForHolds, h.writer.await(0, 0), h.reuseUnlessKept],
      ...watch(h),
    ];
    expect(walk(early, holds).unsafe).toBeGreaterThan(0);
  });
  test('a writer that does not look for holds', () => {
    const blind: Program = (h) => [
      ...h.writer.publish(0, 1),
      h.writer.await(0, 0),
      h.reuseUnlessKept,
      ...watch(h),
    ];
    expect(walk(blind, holds).unsafe).toBeGreaterThan(0);
  });
  test('a reader that tells of the end before it is so: the writer sleeps for ever', () => {
    const early: Program = (h) => [h.hold, ...h.reader.checkpoint(), h.ended, h.unhold, h.reader.offline()];
    expect(walk(reclaims, early).deadlocks).toBeGreaterThan(0);
  });
  test('a writer that looks at ENDED after it looked for holds', () => {
    const late: Program = (h) => [
      ...h.writer.publish(0, 1),
      ...[h.writer.await(0, 0), h.lookForHolds, h.reuseUnlessKept],
      ...[h.lookAgain, h.loadEnded, h.sleep, h.wake],
    ];
    expect(walk(late, holds).deadlocks).toBeGreaterThan(0);
  });
});

describe('the model mirrors the code', () => {
  const words = createControlBlock();
  const own = readerHoldsWord(3);
  const names = new Map([
    [own + HOLD_COUNT, 'COUNT'],
    [own + HOLD_VIEWS, 'hold'],
    [WORD_HOLDS_ENDED, 'ENDED'],
  ]);
  const nameOf = (index: number) => names.get(index) ?? 'another';
  const taker = new HoldTaker(words, 3);

  test('the taker stores the hold; its end is stored, then told', () => {
    expect(operationsOf(words, nameOf, () => taker.take(77))).toEqual(['store hold', 'store COUNT']);
    expect(operationsOf(words, nameOf, () => taker.take(77))).toEqual([]);
    expect(operationsOf(words, nameOf, () => taker.release(77))).toEqual([]);
    expect(operationsOf(words, nameOf, () => taker.release(77))).toEqual([
      ...['store hold', 'store COUNT'],
      ...['add ENDED', 'notify ENDED'],
    ]);
  });

  test('the keeper looks at once, and when it waits, at ENDED first', async () => {
    const keeper = new HoldKeeper<string>(words);
    let isReclaimed = false;
    const reclaim = (): void => {
      isReclaimed = true;
    };
    keeper.reclaim(77, 'view', 64, reclaim);
    expect(isReclaimed).toBe(true);
    isReclaimed = false;
    taker.take(77);
    const done = operationsOf(words, nameOf, () => keeper.reclaim(77, 'view', 64, reclaim));
    expect(done.filter((each) => each !== 'load another')).toEqual([
      'load hold',
      ...['load ENDED', 'load hold', 'waitAsync ENDED'],
    ]);
    let unheld = 0;
    keeper.onceUnheld(
      (view) => view === 'view',
      () => (unheld += 1),
    );
    keeper.onceUnheld(
      (view) => view === 'other',
      () => (unheld += 10),
    );
    expect([isReclaimed, keeper.heldBytes, unheld]).toEqual([false, 64, 10]);
    taker.release(77);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect([isReclaimed, keeper.heldBytes, unheld]).toEqual([true, 0, 11]);
  });

  test('a keeper that is closed ends all holds', () => {
    const keeper = new HoldKeeper<string>(words);
    taker.take(78);
    const ends: string[] = [];
    keeper.reclaim(78, 'view', 64, () => ends.push('view'));
    keeper.onceUnheld(
      () => true,
      () => ends.push('RAM'),
    );
    keeper.close();
    expect(ends).toEqual(['view', 'RAM']);
    taker.end();
    taker.release(78); // nothing any more: its words are another reader's
    expect(words[own + HOLD_COUNT]).toBe(1);
  });
});
