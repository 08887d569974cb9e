/** Which aliases of their own surroundings are legal, and that the check has bounds. */
import { describe, expect, test } from 'vitest';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import { transaction } from '../../src/model/transaction.ts';
import { at, container, draw, io, rangesOf } from '../support/drawing.ts';

const mirror = (target: MemoryRegion, offset: bigint | number, size: bigint | number): MemoryRegion =>
  MemoryRegion.alias('mirror', target, offset, size);

describe('legal', () => {
  test('an alias that overlaps what it shows repeats it until its window ends', () => {
    const tree = container('T', 0x8000, [at(0, io('A', 0x1000)), at(0x1000, io('B', 0x1000))]);
    tree.addSubregion(0x2000, mirror(tree, 0, 0x6000));
    expect(draw(tree)).toBe('ABABABAB');
  });

  test('an endless alias that is disabled, until it is enabled', () => {
    const tree = container('T', 0x2000, [at(0, io('A', 0x1000))]);
    const endless = mirror(tree, 0x1000, 0x1000);
    endless.setEnabled(false);
    tree.addSubregion(0x1000, endless);
    expect(draw(tree)).toBe('A.');
    expect(() => endless.setEnabled(true)).toThrow(/ALIAS_CYCLE/);
    expect(endless.enabled).toBe(false);
  });

  test('a state that is endless only inside a transaction', () => {
    const tree = container('T', 0x2000, [at(0, io('A', 0x1000))]);
    transaction(() => {
      const alias = mirror(tree, 0x1000, 0x1000);
      tree.addSubregion(0x1000, alias);
      alias.setAliasOffset(0);
    });
    expect(draw(tree)).toBe('AA');
  });
});

describe('refused', () => {
  test('two aliases that undo each other’s displacement', () => {
    const tree = container('T', 0x4000, [at(0x1000, io('A', 0x1000))]);
    tree.addSubregion(0x2000, mirror(tree, 0x3000, 0x1000));
    expect(() => tree.addSubregion(0x3000, mirror(tree, 0x2000, 0x1000))).toThrow(/ALIAS_CYCLE/);
    expect(rangesOf(tree)).toEqual(['1000-1fff A+0']);
  });

  test('an alias that grows over what it shows', () => {
    const inner = container('inner', 0x1000);
    const tree = container('T', 0x2000, [at(0x1000, inner)]);
    const alias = mirror(tree, 0x1000, 0);
    inner.addSubregion(0, alias);
    expect(() => alias.setSize(1)).toThrow(
      /ALIAS_CYCLE: region '.*' would show itself.*another offset or target/,
    );
    expect(alias.size).toBe(0n);
  });

  test('a displacement so small that repeating goes beyond bounds', () => {
    const tree = container('T', 1n << 64n, [at(0, io('A', 1))]);
    expect(() => tree.addSubregion(1, mirror(tree, 0, 1n << 63n))).toThrow(/RENDER_TOO_DEEP/);
    expect(tree.children).toHaveLength(1);
  });

  test('more aliases of their own container than can be checked, soon', () => {
    const tree = container('T', 1n << 64n);
    const start = performance.now();
    expect(() =>
      transaction(() => {
        for (let index = 1; index <= 20_000; index++)
          tree.addSubregion(index * 0x1000, mirror(tree, 0, 0x1000));
      }),
    ).toThrow(/RENDER_TOO_LARGE/);
    expect(performance.now() - start).toBeLessThan(20_000);
    expect(tree.children).toEqual([]);
  });
});
