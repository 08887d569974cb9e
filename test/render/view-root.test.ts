/** Which address spaces share a view, and what becomes of the wrappers around its root. */
import { describe, expect, test } from 'vitest';
import { AddressSpace } from '../../src/model/address-space.ts';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import { renderAddressSpaces } from '../../src/render/address-space-views.ts';
import { type FlatRange, rangeAt, rangeType } from '../../src/render/flat-view.ts';
import { renderFlatView } from '../../src/render/render.ts';
import { viewRootOf } from '../../src/render/view-root.ts';
import { at, container, io, ram } from '../support/drawing.ts';

const SIZE = 0x4000;
const wrap = (name: string, child: MemoryRegion, offset = 0): MemoryRegion =>
  container(name, SIZE, [at(offset, child)]);
const whole = (target: MemoryRegion, size: number = SIZE): MemoryRegion =>
  MemoryRegion.alias('whole', target, 0, size);

describe('skipped on the way to the view root', () => {
  test.each<[string, (inner: MemoryRegion) => MemoryRegion]>([
    ['a container with one child at 0', (inner) => wrap('w', inner)],
    ['an alias of all of its target', (inner) => whole(inner)],
    ['an alias larger than its target', (inner) => whole(inner, 2 * SIZE)],
    ['any number of both', (inner) => wrap('w', whole(wrap('v', whole(inner))))],
  ])('%s', (_what, wrapped) => {
    const inner = ram('R', SIZE);
    expect(viewRootOf(wrapped(inner))).toBe(inner);
  });

  test('disabled siblings do not count', () => {
    const inner = ram('R', SIZE);
    const off = io('off', SIZE, [], { enabled: false });
    expect(viewRootOf(container('w', SIZE, [at(0, inner), at(0, off)]))).toBe(inner);
  });
});

describe('not skipped', () => {
  test.each<[string, (inner: MemoryRegion) => MemoryRegion]>([
    ['a container whose child is not at 0', (inner) => wrap('w', inner, 0x1000)],
    ['a container smaller than its child', (inner) => container('w', SIZE - 1, [at(0, inner)])],
    [
      'a container with two enabled children',
      (inner) => container('w', SIZE, [at(0, inner), at(0, io('I', 1))]),
    ],
    ['a region that answers itself', (inner) => io('w', SIZE, [at(0, inner)])],
    ['an alias with an offset', (inner) => MemoryRegion.alias('w', inner, 1, SIZE)],
    ['an alias smaller than its target', (inner) => whole(inner, SIZE - 1)],
  ])('%s', (_what, wrapped) => {
    const root = wrapped(ram('R', SIZE));
    expect(viewRootOf(root)).toBe(root);
  });
});

describe('nothing is rendered', () => {
  test.each<[string, () => MemoryRegion | null]>([
    ['without a root', () => null],
    ['for a disabled root', () => ram('R', SIZE, [], { enabled: false })],
    ['for a container without enabled children', () => wrap('w', ram('R', SIZE, [], { enabled: false }))],
    ['for an alias of a disabled target', () => whole(ram('R', SIZE, [], { enabled: false }))],
  ])('%s', (_what, root) => expect(viewRootOf(root())).toBeNull());
});

test('address spaces with one view root share one view, those without share the empty one', () => {
  const inner = container('system', SIZE, [at(0, ram('R', 0x1000)), at(0x1000, io('I', 0x1000))]);
  const spaces = [
    new AddressSpace('memory', inner),
    new AddressSpace('nothing'),
    new AddressSpace('dma', whole(inner)),
    new AddressSpace('off', wrap('w', ram('R', 1, [], { enabled: false }))),
  ];
  const views = renderAddressSpaces(spaces);
  expect(views.map((shared) => shared.spaces.map(({ name }) => name))).toEqual([
    ['memory', 'dma'],
    ['nothing', 'off'],
  ]);
  expect(views.map(({ view }) => view.root)).toEqual([inner, null]);
  for (const space of spaces) space.setRoot(null);
});

describe('what the monitor calls a range', () => {
  const only = (region: MemoryRegion): FlatRange => renderFlatView(region).ranges[0]!;

  test.each<[string, MemoryRegion]>([
    ['ram', ram('R', 1)],
    ['rom', MemoryRegion.rom('R', 1)],
    ['romd', MemoryRegion.romDevice('R', 1, null)],
    ['i/o', MemoryRegion.romDevice('R', 1, null, { romd: false })],
    ['ramd', MemoryRegion.ramDevice('R', 1)],
    ['rom', MemoryRegion.ramDevice('R', 1, { readonly: true })],
    ['i/o', io('R', 1)],
    ['rom', io('R', 1, [], { readonly: true })],
    ['nv-ram', ram('R', 1, [], { nonvolatile: true })],
    ['nv-rom', MemoryRegion.rom('R', 1, { nonvolatile: true })],
  ])('%s', (type, region) => expect(rangeType(only(region))).toBe(type));

  test('an address beyond all ranges is in none', () => {
    expect(rangeAt(renderFlatView(ram('R', 1)), 1n)).toBeNull();
    expect(rangeAt(renderFlatView(ram('R', 1)), 0n)?.region.name).toBe('R');
  });
});
