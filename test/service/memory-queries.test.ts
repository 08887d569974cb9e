/** What answers where, asked from the control side, and what is kept of the answer. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { AddressSpace } from '../../src/model/address-space.ts';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import { Owner } from '../../src/model/owner.ts';
import { Machine } from '../../src/service/machine.ts';
import { codeOf } from '../support/code-of.ts';
import { sectionText } from '../support/listening.ts';

const { container, ram, io } = MemoryRegion;

let machine: Machine;
let root: MemoryRegion;
let bus: MemoryRegion;
let memory: MemoryRegion;
let device: MemoryRegion;
let space: AddressSpace;
let romOwner: Owner;
let ioOwner: Owner;

beforeEach(() => {
  machine = new Machine({ ramReserveBytes: 2 ** 20, arenaBytes: 2 ** 20 });
  root = container('root', 0x10000);
  bus = container('bus', 0x1000);
  romOwner = new Owner('/rom');
  ioOwner = new Owner('/io');
  memory = MemoryRegion.rom('rom', 0x100, { owner: romOwner });
  device = MemoryRegion.io('io', 0x10, null, { owner: ioOwner });
  root.addSubregion(0x4000, bus);
  bus.addSubregion(0x100, memory);
  bus.addSubregion(0x240, device);
  space = machine.addAddressSpace('space', root);
});
afterEach(() => machine.close());

/** The section found, released at once. */
function found(region: MemoryRegion, offset: number, size: number): string | null {
  const section = machine.query.find(region, offset, size);
  section?.release();
  return section === null ? null : sectionText(section);
}

describe('find', () => {
  test.each<[string, number, number, string | null]>([
    ['a byte', 0x120, 1, '4120-4120 rom+20 ro'],
    ['a part that begins before: from where something answers', 0xf0, 0x20, '4100-410f rom+0 ro'],
    ['a part that ends after: to where it ends', 0x1f0, 0x20, '41f0-41ff rom+f0 ro'],
    ['a part with several in it: the first', 0x0, 0x1000, '4100-41ff rom+0 ro'],
    ['a hole', 0x200, 0x40, null],
    ['no byte', 0x120, 0, null],
    ['past all', 0x400, 0x10, null],
  ])('%s', (_what, offset, size, expected) => expect(found(bus, offset, size)).toBe(expected));

  test('climbs containers, and needs an address space whose root is the outermost', () => {
    expect(found(device, 4, 4)).toBe('4244-4247 io+4');
    expect(found(root, 0x4244, 4)).toBe('4244-4247 io+4');
    root.delSubregion(bus);
    expect(found(device, 4, 4)).toBeNull();
    machine.addAddressSpace('bus', bus);
    expect(found(device, 4, 4)).toBe('4244-4247 io+4');
  });

  test('in an address space, by address', () => {
    const section = machine.query.findAt(space, 0x4000, 0x10000n);
    expect(section).toMatchObject({
      addressSpace: space,
      region: memory,
      size: 0x100n,
      readonly: true,
      nonvolatile: false,
    });
    section?.release();
    expect(machine.query.findAt(space, 0, 0x100)).toBeNull();
    expect(codeOf(() => machine.query.findAt(new AddressSpace('mine'), 0, 1))).toBe('ADDRESS_SPACE_UNKNOWN');
    expect(codeOf(() => machine.query.findAt(space, 0, -1))).toBe('INVALID_ARGUMENT');
  });

  test('holds the region until it is released, once', () => {
    const { refCount } = ioOwner;
    const section = machine.query.find(device, 0, 1);
    expect(ioOwner.refCount).toBe(refCount + 1);
    section?.release();
    expect(ioOwner.refCount).toBe(refCount);
    expect(() => section?.release()).toThrow(/NOT_HELD: section of region 'io' was released already/);
    expect(ioOwner.refCount).toBe(refCount);
  });
});

test('present is what something other than the container answers', () => {
  const over = ram('over', 0x100);
  over.addSubregion(0x10, io('inside', 0x10, null));
  root.addSubregion(0x8000, over);
  const answers = [0xf, 0x10, 0x1f, 0x20].map((offset) => machine.query.isPresent(over, offset));
  expect(answers).toEqual([false, true, true, false]);
  expect(machine.query.isPresent(bus, 0x100)).toBe(true);
  expect(machine.query.isPresent(bus, 0)).toBe(false);
});

test('ranges are visited in ascending order until the visitor has enough', () => {
  const seen: string[] = [];
  const visit = (stopAt: string) => (section: Parameters<typeof sectionText>[0]) => {
    seen.push(sectionText(section));
    return section.region.name === stopAt;
  };
  expect(machine.query.forEachRange(space, visit('none'))).toBe(false);
  expect(seen).toEqual(['4100-41ff rom+0 ro', '4240-424f io+0']);
  expect(machine.query.forEachRange(space, visit('rom'))).toBe(true);
  expect(seen).toHaveLength(3);
});

describe('kept', () => {
  let shown: number[];
  /** References on the owners beyond those of the tree and the published view. */
  const counts = (): number[] => [romOwner, ioOwner].map(({ refCount }, index) => refCount - shown[index]!);
  beforeEach(() => {
    shown = [romOwner.refCount, ioOwner.refCount];
  });

  test('a view stays as it was over a thousand commits, with its regions held', () => {
    const held = machine.query.holdView(space);
    const second = machine.query.holdView(space);
    const before = held.flatView.ranges.map((range) => ({ ...range }));
    expect(counts()).toEqual([1, 1]);
    for (let commit = 0; commit < 1000; commit += 1) device.setAddress(0x300 + (commit % 7) * 0x10);
    root.delSubregion(bus);
    expect(held.flatView.ranges).toEqual(before);
    expect(held.addressSpace).toBe(space);
    held.release();
    expect(counts()).toEqual([1, 1]);
    second.release();
    expect(counts()).toEqual([0, 0]);
    expect(() => second.release()).toThrow(/NOT_HELD: held view of address space 'space'/);
  });

  test('a copy of a section holds its view, each copy by itself', () => {
    let copy: ReturnType<NonNullable<ReturnType<typeof machine.query.find>>['ref']> | undefined;
    machine.query.forEachRange(space, (section) => {
      copy = section.ref();
      return true;
    });
    const again = copy?.ref();
    expect(counts()).toEqual([1, 1]);
    root.delSubregion(bus);
    expect(copy && sectionText(copy)).toBe('4100-41ff rom+0 ro');
    expect(copy?.flatView.ranges).toHaveLength(2);
    copy?.release();
    expect(counts()).toEqual([1, 1]);
    again?.release();
    expect(counts()).toEqual([0, 0]);
  });
});
