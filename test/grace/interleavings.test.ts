/**
 * Every order of the grace protocol's steps: publish, advance, scan, reuse against readers that checkpoint,
 * come online, go offline. The protocol must survive all of them; each wrong variant must be convicted, or
 * the walk would prove nothing. docs/MEMORY-ORDER.md argues what is walked here.
 */
import { describe, expect, test } from 'vitest';
import { GraceModel, type GraceModelOptions, ModelReader, ModelWriter } from '../support/grace-steps.ts';
import { binomial, SAFE, type Step, step, stepsOf, type Walk, walkOrders } from '../support/interleavings.ts';

type Program = (writer: ModelWriter, model: GraceModel) => Step[];
type ReaderProgram = (reader: ModelReader, model: GraceModel) => Step[];

/** Walks one writer against readers; a reader is given its steps, and whether it begins online. */
function walk(
  writer: Program,
  readers: readonly ({ online: ReaderProgram } | { offline: ReaderProgram })[],
  options: GraceModelOptions = {},
): Walk {
  return walkOrders(() => {
    const model = new GraceModel(options);
    const threads = readers.map((program, index) => {
      const reader = new ModelReader(model, index);
      const steps =
        'online' in program ? program.online(reader.beginOnline(), model) : program.offline(reader, model);
      return stepsOf(`reader ${index}`, ...steps);
    });
    const control = stepsOf('writer', ...writer(new ModelWriter(model), model));
    return { threads: [control, ...threads], verdict: () => model.fault ?? SAFE };
  });
}

const safe = (result: Walk): Walk => {
  expect(result.firstBad).toBe('');
  expect(result).toMatchObject({ unsafe: 0, deadlocks: 0 });
  return result;
};
const convicted = (result: Walk): Walk => {
  expect(result.unsafe, 'no order of the wrong protocol was unsafe').toBeGreaterThan(0);
  return result;
};

const commit: Program = (writer) => writer.commit([0]);
/** Publishes views 1 and 2 before it looks for readers at all. */
const twoPublications: Program = (w) => [
  ...[...w.publish(0, 1), ...w.publish(1, 2)],
  ...[w.await(0, 0), w.reuse(0), w.await(1, 0), w.reuse(1)],
];
const checkpoints = {
  online: (r: ModelReader) => [r.use(), ...r.checkpoint(), ...r.checkpoint(), r.offline()],
};
const twoReaders = [
  { online: (r: ModelReader) => r.checkpoint() },
  { offline: (r: ModelReader) => r.online() },
];
const section = { offline: (r: ModelReader) => [...r.online(), r.offline()] };

describe('no order reuses a view in use, and none deadlocks', () => {
  test('one commit, a reader that passes checkpoints', () => {
    expect(safe(walk(commit, [checkpoints])).orders).toBeGreaterThan(100);
  });
  test('one commit, a reader that comes online and goes offline: a read section', () => {
    safe(walk(commit, [section]));
    const poll = walk((writer) => writer.commitAndPoll([0]), [section]);
    expect(safe(poll).orders).toBe(binomial(4 + 5, 4)); // nothing blocks, so all orders are there
  });
  test('one commit, a reader that comes online, checkpoints, sleeps and comes again', () => {
    safe(
      walk(commit, [
        { offline: (r) => [...r.online(), ...r.checkpoint(), r.offline(), ...r.online(), r.offline()] },
      ]),
    );
  });
  test('one commit, two readers: one online, one that comes online', () => {
    expect(safe(walk((writer) => writer.commitAndPoll([0, 1]), twoReaders)).orders).toBeGreaterThan(20_000);
  });
  test('two publications in a row, one reader behind both', () => {
    safe(walk(twoPublications, [checkpoints]));
    safe(walk(twoPublications, [section]));
  });
  test('two commits, each with its own grace period', () => {
    safe(walk((w) => [...w.commit([0]), ...w.commit([0], 1, 2)], [section]));
  });
  test.each([
    ['2^31', 0x7fffffff],
    ['2^31, one before', 0x7ffffffd],
    ['2^32', -1],
    ['2^32, one before', -3],
  ])('where the generation wraps at %s', (_where, generation) => {
    safe(walk(twoPublications, [checkpoints], { generation }));
    safe(walk(twoPublications, [section], { generation }));
  });
});

describe('readers that come and go', () => {
  const announcedThenDead = { online: (r: ModelReader) => [r.use(), r.use()] };
  test('the hold of a thread that died ends after its exit was confirmed', () => {
    const exit = { seen: false };
    const writer: Program = (w, model) => {
      const confirmed = () => exit.seen;
      const remove = step('remove reader', () => model.forceOffline(0), confirmed);
      return [...w.publish(0, 1), remove, w.await(0, 0), w.reuse(0)];
    };
    const reader: ReaderProgram = (r) => {
      exit.seen = false;
      const dies = step('exit', () => {
        exit.seen = true;
      });
      return [r.use(), r.use(), dies];
    };
    safe(walk(writer, [{ online: reader }]));
  });
  test('wrong: the hold of a thread ends before it has exited', () => {
    const result = walk(
      (w, model) => [
        ...w.publish(0, 1),
        step('remove reader', () => model.forceOffline(0)),
        ...[w.await(0, 0), w.reuse(0)],
      ],
      [announcedThenDead],
    );
    convicted(result);
  });
  test('a reader that dies online and is not removed, or forgets to checkpoint, stops reclamation', () => {
    const result = walk(commit, [announcedThenDead]);
    expect(result.unsafe).toBe(0);
    expect(result.deadlocks).toBe(result.orders);
  });
  test('a reader that is added before its thread starts is in the scan that must see it', () => {
    safe(walk(commit, [section]));
    const notAdded: Program = (w) => w.commit([]);
    convicted(walk(notAdded, [section]));
  });
});

describe('wrong readers are convicted', () => {
  test.each<[string, ReaderProgram]>([
    ['loads the root before it announces', (r) => [r.loadRoot(), r.loadGeneration(), r.announce(), r.use()]],
    ['announces after it loaded', (r) => [r.loadGeneration(), r.loadRoot(), r.announce(), r.use()]],
    ['announces when it is done', (r) => [r.loadRoot(), r.use(), r.loadGeneration(), r.announce()]],
    ['never announces', (r) => [r.loadRoot(), r.use()]],
  ])('coming online, it %s', (_what, online) => {
    convicted(walk(commit, [{ offline: (r, model) => [...online(r, model), r.offline()] }]));
  });

  test.each<[string, ReaderProgram]>([
    [
      'loads the root before it reads the generation',
      (r) => [r.loadRoot(), r.loadGeneration(), r.announce()],
    ],
    ['announces and keeps the old root', (r) => [r.loadGeneration(), r.announce()]],
    ['goes offline and keeps the old root', (r) => [r.offline(), r.loadGeneration(), r.announce()]],
    ['announces inside a read section', (r) => [r.loadGeneration(), r.announce(), r.use('use in section')]],
  ])('at a checkpoint, it %s', (_what, checkpoint) => {
    convicted(walk(commit, [{ online: (r, model) => [...checkpoint(r, model), r.use(), r.offline()] }]));
  });

  test('at a checkpoint, unlike coming online, a root between the two is safe: the old one is held', () => {
    // So the order in GraceReader.announce is needed by online(); quiescent() shares it.
    const between: ReaderProgram = (r) => [
      r.loadGeneration(),
      r.loadRoot(),
      r.announce(),
      r.use(),
      r.offline(),
    ];
    safe(walk(twoPublications, [{ online: between }]));
  });
});

describe('wrong writers are convicted', () => {
  test.each<[string, Program]>([
    [
      'scans before it stores the root',
      (w) => [w.advance(), w.retire(0), w.await(0, 0), w.storeRoot(1), w.reuse(0)],
    ],
    // A reader announces the new generation, finds the old root, and is taken for clear of it.
    [
      'advances before it stores the root',
      (w) => [w.advance(), w.storeRoot(1), w.retire(0), w.await(0, 0), w.reuse(0)],
    ],
    ['reuses without a scan', (w) => [w.storeRoot(1), w.advance(), w.retire(0), w.reuse(0)]],
    [
      'retires under the generation before its own',
      (w) => [w.storeRoot(1), w.retire(0), w.advance(), w.await(0, 0), w.reuse(0)],
    ],
    ['reuses before it stores the root', (w) => [w.retire(0), w.reuse(0), w.storeRoot(1), w.advance()]],
  ])('that %s', (_what, writer) => {
    convicted(walk(writer, [checkpoints]));
  });

  test.each([0, 1])('that looks at reader %i of two only', (seen) => {
    convicted(walk((writer) => writer.commitAndPoll([seen]), twoReaders));
  });

  test.each<[string, number, (announced: number, generation: number) => boolean]>([
    [
      'signed numbers at 2^31',
      0x7fffffff,
      (announced, generation) => announced === 0 || announced >= generation,
    ],
    [
      'unsigned numbers at 2^32',
      -1,
      (announced, generation) => announced === 0 || announced >>> 0 >= generation >>> 0,
    ],
  ])('that compares generations as %s', (_what, generation, reached) => {
    convicted(walk(commit, [checkpoints], { generation, reached }));
  });

  test('whose generations may become GENERATION_OFFLINE', () => {
    // From -1 by 1: readers of view 1 announce 0, which says that they hold nothing.
    convicted(walk(twoPublications, [checkpoints], { generation: -1, generationStep: 1 }));
  });
});

describe('the walk itself', () => {
  const free = (name: string, count: number) =>
    stepsOf(name, ...Array.from({ length: count }, (_, i) => step(`${i}`, () => {})));

  test('visits each order once', () => {
    const result = walkOrders(() => ({ threads: [free('a', 3), free('b', 4)], verdict: () => SAFE }));
    expect(result.orders).toBe(binomial(7, 3));
    const three = walkOrders(() => ({
      threads: [free('a', 2), free('b', 2), free('c', 2)],
      verdict: () => SAFE,
    }));
    expect(three.orders).toBe(90);
  });
  test('reports a deadlock with the order that led to it', () => {
    const result = walkOrders(() => {
      const held = new Set<number>();
      const take = (lock: number) =>
        step(
          `take ${lock}`,
          () => held.add(lock),
          () => !held.has(lock),
        );
      const give = (lock: number) => step(`give ${lock}`, () => held.delete(lock));
      return {
        threads: [
          stepsOf('a', take(0), take(1), give(1), give(0)),
          stepsOf('b', take(1), take(0), give(0), give(1)),
        ],
        verdict: () => SAFE,
      };
    });
    expect(result.deadlocks).toBe(2);
    expect(result.firstBad).toBe('a: take 0 | b: take 1 => deadlock: a, b cannot go on');
  });
});
