/** The literal rule that render-oracle judges by, and the random trees that it is asked about. */
import { describe, expect, test } from 'vitest';
import { answerAt, cutsOf, rangesOf } from '../../stress/literal-view.ts';
import { RandomTree, ROOT } from '../../stress/random-tree.ts';

const SEEDS = Array.from({ length: 40 }, (_, seed) => seed);
const summary = (tree: RandomTree): readonly string[] =>
  rangesOf(tree).map(({ path, start, size, offset }) => `${path} ${start} ${size} ${offset}`);

function treeAfter(seed: number, steps: number): RandomTree {
  const tree = new RandomTree(seed);
  for (let step = 0; step < steps; step += 1) tree.next();
  return tree;
}

describe('random trees', () => {
  test('are a function of seed and step', () => {
    expect(summary(treeAfter(7, 30))).toEqual(summary(treeAfter(7, 30)));
    expect(summary(treeAfter(7, 30))).not.toEqual(summary(treeAfter(8, 30)));
  });

  test('show something else after each step, unless all of it lies beneath', () => {
    const tree = new RandomTree(3);
    const seen = Array.from({ length: 50 }, () => {
      tree.next();
      return summary(tree).join();
    });
    const repeated = seen.filter((text, index) => text === seen[index - 1]).length;
    expect(repeated).toBeLessThan(10);
  });

  test('hold all that may go wrong: parted ranges, flags, what is unmergeable, the end of the address space', () => {
    const ranges = SEEDS.flatMap((seed) => rangesOf(treeAfter(seed, 20)));
    expect(ranges.some(({ offset }) => offset > 0n)).toBe(true);
    expect(ranges.some(({ readonly }) => readonly)).toBe(true);
    expect(ranges.some(({ unmergeable }) => unmergeable)).toBe(true);
    expect(ranges.some(({ path }) => path.split('/').length > 3)).toBe(true);
    expect(ranges.some(({ start, size }) => start % 4096n !== 0n && size < 4096n)).toBe(true);
    expect(ranges.some(({ start }) => start >= 2n ** 63n)).toBe(true);
  });
});

describe('the literal view', () => {
  test('has ascending ranges that answer alike at both ends, with holes where nothing answers', () => {
    for (const seed of SEEDS) {
      const tree = treeAfter(seed, 10);
      let reached = 0n;
      for (const { start, size, region, offset } of rangesOf(tree)) {
        expect(start).toBeGreaterThanOrEqual(reached);
        expect(answerAt(tree, start)).toMatchObject({ region, offset });
        expect(answerAt(tree, start + size - 1n)).toMatchObject({ region, offset: offset + size - 1n });
        if (start > reached) expect(answerAt(tree, reached)).toBeNull();
        reached = start + size;
      }
    }
  });

  test('shows nothing of a tree whose root is disabled', () => {
    const tree = new RandomTree(1);
    tree.regions[ROOT]!.flags.enabled = false;
    expect(rangesOf(tree)).toEqual([]);
    expect(cutsOf(tree).length).toBeGreaterThan(1);
  });
});
