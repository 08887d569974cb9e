/** Arguments that hung the caller, broke an invariant of ours, or left something behind; found by `npm run fuzz`. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { MemoryError } from '../../../src/base/errors.ts';
import { Service } from '../../../src/http/service.ts';
import { MemoryRegion } from '../../../src/model/memory-region.ts';
import { printFlatViews } from '../../../src/qemu/mtree-printer.ts';
import { Machine } from '../../../src/service/machine.ts';
import { World } from '../../../stress/fuzz/world.ts';

let world: World;
beforeEach(() => {
  world = new World();
});
afterEach(() => world.close());

const refused = expect.objectContaining({ code: 'INVALID_ARGUMENT' });
const errorOf = (body: () => unknown): unknown => {
  try {
    return body();
  } catch (error) {
    return error;
  }
};

describe('a length that is no number of bytes made fill() run for ever', () => {
  test.each([0.5, Number.POSITIVE_INFINITY, Number.NaN, -1, 2 ** 33])('%d', (length) => {
    expect(errorOf(() => world.port.fill(0, 1, length))).toEqual(refused);
  });
  test.each([Number.POSITIVE_INFINITY, 2 ** 60, 0.5])('accessValid(): %d', (length) => {
    expect(errorOf(() => world.port.accessValid(0, length, false))).toEqual(refused);
  });
});

test('a size of less than nothing broke an invariant of ramBytes()', () => {
  expect(errorOf(() => world.machine.ramBytes(world.ram, 8, -4))).toEqual(refused);
});

test('readRam() reserved its copy before it looked whether the region has as many bytes', () => {
  const made = vi.spyOn(globalThis, 'Uint8Array');
  expect(errorOf(() => world.machine.readRam(world.ram, 0, 2 ** 33))).toEqual(refused);
  expect(made).not.toHaveBeenCalled();
  made.mockRestore();
});

test('callRcu() took what is no function, and a later transaction of somebody else threw', () => {
  expect(errorOf(() => world.machine.callRcu(5 as never))).toEqual(refused);
  world.mustWork();
});

test('a bus master that could not be made stayed on its target as an alias that shows it', () => {
  const root = MemoryRegion.ram('dma', 0x1000);
  expect(errorOf(() => world.machine.addBusMaster(7 as never, root))).toEqual(refused);
  expect(root.links.seenBy).toEqual(new Set());
});

test('a read of 8 bytes by read() gave one byte, without a word', () => {
  expect(errorOf(() => world.port.read(0, 8 as never))).toEqual(refused);
});

test('a callback that is none was found only when it was to be called', () => {
  for (const option of ['onStall', 'onDeviceReport', 'onListenerError', 'onReclaimed', 'onDeviceHostDeath'])
    expect(errorOf(() => new Machine({ [option]: 7 }))).toEqual(refused);
});

test('names of address spaces that cannot be posted left a vCPU’s slot taken', async () => {
  const program = 'file:///nowhere.js';
  for (let n = 0; n < 70; n += 1) {
    const start = (): unknown => world.machine.startVcpu({ program, addressSpaces: [(() => 1) as never] });
    expect(errorOf(start)).toEqual(refused);
  }
  expect(world.machine.vcpus).toEqual([]);
});

test('values that have no text came back as a TypeError of ours', () => {
  const strange = Object.create(null) as never;
  const calls: (() => unknown)[] = [
    () => MemoryRegion.ramOver(strange, new SharedArrayBuffer(8)),
    () => world.table.getAttribute(strange),
    () => world.machine.addAddressSpace(strange),
    () => world.machine.startVcpu({ program: 5n as never }),
    () => new Machine({ guestEndianness: strange }),
    () => printFlatViews([world.space], { dispatchPageBits: strange }),
    () => new Service({ vcpus: strange }),
  ];
  for (const call of calls) expect(errorOf(call)).toBeInstanceOf(MemoryError);
});
