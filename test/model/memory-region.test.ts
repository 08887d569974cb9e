/** What regions are, what mutators do, and every misuse with its error. */
import { describe, expect, test } from 'vitest';
import { MemoryError, type MemoryErrorCode } from '../../src/base/errors.ts';
import { AddressSpace } from '../../src/model/address-space.ts';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import { treeState } from '../support/tree-state.ts';

const { container, ram, rom, io, romDevice, alias } = MemoryRegion;
const names = (regions: readonly MemoryRegion[]): string => regions.map(({ name }) => name).join('');

describe('a new region', () => {
  test('is enabled, writable, volatile, in romd mode, at 0 with priority 0, and mapped nowhere', () => {
    const region = ram('r', 16);
    expect(region).toMatchObject({
      kind: 'ram',
      name: 'r',
      owner: null,
      device: null,
      aliasTarget: null,
      size: 16n,
    });
    expect(region).toMatchObject({
      enabled: true,
      readonly: false,
      nonvolatile: false,
      unmergeable: false,
      romd: true,
    });
    expect(region).toMatchObject({
      address: 0n,
      priority: 0,
      container: null,
      children: [],
      isMapped: false,
    });
  });

  test('has an id that no other region had', () => {
    const [first, second] = [ram('r', 1), ram('r', 1)];
    expect(second.id).toBe(first.id + 1);
  });

  test.each<[string, MemoryRegion, boolean]>([
    ['container', container('c', 1), false],
    ['alias', alias('a', ram('r', 1), 0, 1), false],
    ['ram', ram('r', 1), true],
    ['ram-device', MemoryRegion.ramDevice('r', 1), true],
    ['io', io('i', 1, null), true],
    ['rom-device', romDevice('d', 1, null), true],
  ])('of kind %s answers itself or not', (kind, region, terminates) => {
    expect(region).toMatchObject({ kind, terminates });
  });

  test('a ROM is RAM that is readonly', () =>
    expect(rom('r', 1)).toMatchObject({ kind: 'ram', readonly: true }));

  test('takes all that it is told', () => {
    const options = {
      owner: 'dev',
      enabled: false,
      readonly: true,
      nonvolatile: true,
      unmergeable: true,
      romd: false,
      address: 7,
      priority: -3,
    };
    expect(romDevice('d', 1n << 64n, null, options)).toMatchObject({
      ...options,
      address: 7n,
      size: 1n << 64n,
    });
  });

  test('a negative offset is taken modulo 2^64', () => {
    expect(alias('a', ram('r', 1), -1, 1).aliasOffset).toBe((1n << 64n) - 1n);
    expect(ram('r', 1, { address: -(1n << 63n) }).address).toBe(1n << 63n);
  });
});

describe('children', () => {
  test('are in the order of priority, and among equals the newest comes first', () => {
    const tree = container('t', 16);
    for (const [name, priority] of Object.entries({ a: 0, b: 1, c: 0, d: -1, e: 1, f: 0, g: -1 })) {
      tree.addSubregionOverlap(0, io(name, 1, null), priority);
    }
    expect(names(tree.children)).toBe('ebfcagd');
  });

  test('know their container, address and priority, and keep the latter when they are unmapped', () => {
    const [tree, child] = [container('t', 16), ram('r', 1)];
    tree.addSubregionOverlap(3, child, -2);
    expect(child).toMatchObject({ container: tree, address: 3n, priority: -2, isMapped: true });
    tree.delSubregion(child);
    expect(child).toMatchObject({ container: null, address: 3n, priority: -2, isMapped: false });
    expect(tree.children).toEqual([]);
  });

  test('the list is a frozen snapshot', () => {
    const tree = container('t', 16);
    tree.addSubregion(0, ram('a', 1));
    const before = tree.children;
    tree.addSubregion(0, ram('b', 1));
    expect(names(before)).toBe('a');
    expect(Object.isFrozen(before)).toBe(true);
    expect(tree.children).toBe(tree.children);
  });

  test('setAddress brings a child in front of its equals, not of higher ones; an equal address does nothing', () => {
    const tree = container('t', 16);
    const [a, b, c] = [io('a', 1, null), io('b', 1, null), io('c', 1, null)];
    tree.addSubregion(0, a);
    tree.addSubregion(0, b);
    tree.addSubregionOverlap(0, c, 1);
    a.setAddress(0);
    expect(names(tree.children)).toBe('cba');
    a.setAddress(1);
    expect(names(tree.children)).toBe('cab');
  });
});

describe('is mapped', () => {
  test('through any number of aliases, as long as the outermost has a container', () => {
    const target = ram('r', 1);
    const outer = alias('outer', alias('inner', target, 0, 1), 0, 1);
    expect(target.isMapped).toBe(false);
    const tree = container('t', 1);
    tree.addSubregion(0, outer);
    expect(target.isMapped).toBe(true);
    tree.delSubregion(outer);
    expect(target.isMapped).toBe(false);
    expect(target.links.seenBy.size).toBe(0);
  });

  test('not by being the root of an address space', () => {
    const root = ram('r', 1);
    const space = new AddressSpace('s', root);
    expect(root.isMapped).toBe(false);
    expect([...root.addressSpaces]).toEqual([space]);
    space.setRoot(null);
    expect(root.addressSpaces.size).toBe(0);
  });
});

describe('every misuse is an error with a code, and changes nothing', () => {
  const misuses: [string, MemoryErrorCode, (world: World) => void][] = [
    [
      'a region in two containers',
      'REGION_ALREADY_MAPPED',
      ({ other, child }) => other.addSubregion(0, child),
    ],
    [
      'a region twice in one container',
      'REGION_ALREADY_MAPPED',
      ({ tree, child }) => tree.addSubregion(0, child),
    ],
    ['removal from another container', 'NOT_A_SUBREGION', ({ other, child }) => other.delSubregion(child)],
    ['removal of what is unmapped', 'NOT_A_SUBREGION', ({ tree, other }) => tree.delSubregion(other)],
    ['a child of an alias', 'ALIAS_HAS_NO_CHILDREN', ({ window, other }) => window.addSubregion(0, other)],
    ['a region in itself', 'ALIAS_CYCLE', ({ tree }) => tree.addSubregion(0, tree)],
    ['a region in its own child', 'ALIAS_CYCLE', ({ tree, middle }) => middle.addSubregion(0, tree)],
    ['an alias of all around it', 'ALIAS_CYCLE', ({ tree }) => tree.addSubregion(0, alias('x', tree, 0, 64))],
    [
      'the same through an alias of an alias',
      'ALIAS_CYCLE',
      ({ tree, middle }) => middle.addSubregion(1, alias('y', alias('x', tree, 0, 64), 33, 1)),
    ],
    ['an alias that begins to show itself', 'ALIAS_CYCLE', ({ mirror }) => mirror.setAliasOffset(48)],
    ['an alias that is moved onto what it shows', 'ALIAS_CYCLE', ({ mirror }) => mirror.setAddress(8)],
    ['an alias offset on another kind', 'NOT_AN_ALIAS', ({ child }) => child.setAliasOffset(1)],
    ['a romd mode on another kind', 'NOT_A_ROM_DEVICE', ({ child }) => child.setRomd(false)],
    ['a negative size', 'INVALID_ARGUMENT', () => ram('r', -1)],
    ['a size above 2^64', 'INVALID_ARGUMENT', ({ child }) => child.setSize((1n << 64n) + 1n)],
    ['a size that is no integer', 'INVALID_ARGUMENT', ({ child }) => child.setSize(Number.NaN)],
    ['a number past 2^53', 'INVALID_ARGUMENT', ({ child }) => child.setSize(2 ** 60)],
    ['an offset of 2^64', 'INVALID_ARGUMENT', ({ child }) => child.setAddress(1n << 64n)],
    ['an offset below -2^63', 'INVALID_ARGUMENT', ({ mirror }) => mirror.setAliasOffset(-(1n << 63n) - 1n)],
    [
      'a priority of 2^31',
      'INVALID_ARGUMENT',
      ({ tree, free }) => tree.addSubregionOverlap(0, free, 2 ** 31),
    ],
    [
      'a priority with a fraction',
      'INVALID_ARGUMENT',
      ({ tree, free }) => tree.addSubregionOverlap(0, free, 0.5),
    ],
    ['a name that is no string', 'INVALID_ARGUMENT', () => ram(7 as never, 1)],
    ['an owner that is no string', 'INVALID_ARGUMENT', () => ram('r', 1, { owner: [] as never })],
    ['a flag that is no boolean', 'INVALID_ARGUMENT', ({ child }) => child.setEnabled('yes' as never)],
    ['a child that is no region', 'INVALID_ARGUMENT', ({ tree }) => tree.addSubregion(0, {} as never)],
    ['removal of what is no region', 'INVALID_ARGUMENT', ({ tree }) => tree.delSubregion(null as never)],
    ['an alias of what is no region', 'INVALID_ARGUMENT', () => alias('a', (() => {}) as never, 0, 1)],
    ['a root that is no region', 'INVALID_ARGUMENT', ({ space }) => space.setRoot('tree' as never)],
    ['an address space without a name', 'INVALID_ARGUMENT', () => new AddressSpace(undefined as never)],
  ];

  test.each(misuses)('%s', (_what, code, misuse) => {
    const world = makeWorld();
    const regions = Object.values(world).filter((thing) => thing instanceof MemoryRegion);
    const before = treeState(regions, [world.space]);
    expect(thrownBy(() => misuse(world))).toMatchObject({ name: 'MemoryError', code });
    expect(treeState(regions, [world.space])).toEqual(before);
    world.space.setRoot(null);
  });

  test('a message says what is wrong, with which region, and what is allowed', () => {
    const { child } = makeWorld();
    expect(thrownBy(() => child.setSize('x'.repeat(99) as never)).message).toBe(
      `INVALID_ARGUMENT: region 'child': size must be an integer, got '${'x'.repeat(40)}…'`,
    );
    expect(thrownBy(() => child.setSize(-1n)).message).toMatch(/'child': size must be 0 to 2\^64, got -1n/);
    expect(thrownBy(() => child.setSize(2 ** 60)).message).toMatch(/past 2\^53 give a bigint/);
  });
});

interface World {
  tree: MemoryRegion;
  middle: MemoryRegion;
  child: MemoryRegion;
  window: MemoryRegion;
  /** An alias in `tree` of another part of `tree`. */
  mirror: MemoryRegion;
  other: MemoryRegion;
  free: MemoryRegion;
  space: AddressSpace;
}

function makeWorld(): World {
  const tree = container('tree', 64);
  const [middle, child, other] = [container('middle', 16), ram('child', 4), container('other', 64)];
  const [window, mirror, free] = [alias('window', child, 0, 4), alias('mirror', tree, 8, 8), ram('free', 1)];
  tree.addSubregion(32, middle);
  tree.addSubregion(0, child);
  tree.addSubregionOverlap(4, window, 1);
  tree.addSubregion(48, mirror);
  return { tree, middle, child, window, mirror, other, free, space: new AddressSpace('space', tree) };
}

function thrownBy(action: () => void): MemoryError {
  try {
    action();
  } catch (error) {
    if (error instanceof MemoryError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}
