/** Bounds of rendering: trees that would take the stack or the day are errors, large honest ones are quick. */
import { expect, test } from 'vitest';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import { transaction } from '../../src/model/transaction.ts';
import { DEPTH_MAX, VisitBudget } from '../../src/model/visit-budget.ts';
import { renderFlatView } from '../../src/render/render.ts';
import { viewRootOf } from '../../src/render/view-root.ts';

/** `levels` containers inside each other, with a byte of RAM in the innermost. */
function nested(levels: number): MemoryRegion {
  let region = MemoryRegion.ram('byte', 1);
  for (let level = 1; level < levels; level++) {
    const around = MemoryRegion.container('around', 2);
    around.addSubregion(1, MemoryRegion.io('beside', 1, null));
    around.addSubregion(0, region);
    region = around;
  }
  return region;
}

test('a tree of the greatest depth renders, one level more is an error', () => {
  expect(renderFlatView(nested(DEPTH_MAX)).ranges).toHaveLength(2);
  expect(() => renderFlatView(nested(DEPTH_MAX + 1))).toThrow(/RENDER_TOO_DEEP.*nest less/);
});

test('a chain of aliases that is too long is an error, for the view root as well', () => {
  let region = MemoryRegion.ram('byte', 1);
  for (let level = 0; level <= DEPTH_MAX; level++) region = MemoryRegion.alias('again', region, 0, 1);
  expect(() => viewRootOf(region)).toThrow(/RENDER_TOO_DEEP/);
  expect(() => renderFlatView(region)).toThrow(/RENDER_TOO_DEEP/);
});

test('aliases that double at each level run into a bound, not into the night', () => {
  let region = MemoryRegion.container('last', 1);
  for (let level = 0; level < 40; level++) {
    const around = MemoryRegion.container('twice', 1);
    for (let copy = 0; copy < 2; copy++) around.addSubregion(0, MemoryRegion.alias('copy', region, 0, 1));
    region = around;
  }
  expect(() => renderFlatView(region, undefined, new VisitBudget(100_000))).toThrow(/RENDER_TOO_LARGE/);
});

test('ten thousand regions over RAM are each visited once', () => {
  const system = MemoryRegion.container('system', 1n << 64n);
  const count = 10_000;
  transaction(() => {
    system.addSubregionOverlap(0, MemoryRegion.ram('ram', 1n << 40n), -1);
    for (let index = 0; index < count; index++) {
      const place = BigInt((index * 7919) % count) * 0x2000n;
      system.addSubregion(place, MemoryRegion.io(`bar ${index}`, 0x1000, null));
    }
  });
  const visits = count + 2;
  expect(renderFlatView(system, undefined, new VisitBudget(visits)).ranges).toHaveLength(2 * count);
  expect(() => renderFlatView(system, undefined, new VisitBudget(visits - 1))).toThrow(/RENDER_TOO_LARGE/);
});
