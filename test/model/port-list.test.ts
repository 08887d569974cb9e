/** Port I/O: the root that answers all ones, and lists of ports with handlers. */
import { register } from 'tsx/cjs/api';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { controlDevice } from '../../src/base/device-binding.ts';
import { MEMTX_OK } from '../../src/base/mem-tx-result.ts';
import type { PortEntry } from '../../src/base/port-callbacks.ts';
import { PORT_ACCESS, portCallbacks } from '../../src/base/port-callbacks.ts';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import { portIoRegion } from '../../src/model/port-io.ts';
import { PortList } from '../../src/model/port-list.ts';
import { Machine } from '../../src/service/machine.ts';
import type { MemoryPort } from '../../src/vcpu/memory-port.ts';
import { codeOf } from '../support/code-of.ts';

// The control thread of a test loads the root's device module as the threads of a machine do.
afterAll(register());

let machine: Machine;
let root: MemoryRegion;
let port: MemoryPort;
beforeEach(() => {
  machine = new Machine({ ramReserveBytes: 2 ** 20, arenaBytes: 2 ** 20, checked: true });
  root = portIoRegion();
  port = machine.memory(machine.addAddressSpace('io', root));
});
afterEach(() => machine.close());

/** A list whose handlers note what they were called with. */
function listOf(...entries: [offset: number, length: number, size: 1 | 2 | 4, parts?: 'r' | 'w'][]) {
  const calls: string[] = [];
  const list = new PortList(
    'ports',
    entries.map(([offset, length, size, parts]): PortEntry => {
      const read = (at: number) => {
        calls.push(`in${size} ${at.toString(16)}`);
        return 0x50 + at - 0x100;
      };
      const write = (at: number, value: number) => {
        calls.push(`out${size} ${at.toString(16)} ${value.toString(16)}`);
      };
      return {
        offset,
        length,
        size,
        ...(parts === 'w' ? {} : { read }),
        ...(parts === 'r' ? {} : { write }),
      };
    }),
    { owner: 'uart' },
  );
  return { list, calls };
}
const extents = (list: PortList) => list.regions.map(({ address, size }) => [Number(address), Number(size)]);

describe('a port nobody answers', () => {
  test.each([
    [1, 0xff],
    [2, 0xffff],
    [4, 0xffffffff],
  ] as const)('reads all ones in %i bytes, and takes writes: both OK', (size, ones) => {
    for (const at of [0, 1, 0xcf8, 0xcfb]) {
      expect([port.read(at, size), port.result]).toEqual([ones, MEMTX_OK]);
      port.write(at, size, 0x12345678);
      expect(port.result).toBe(MEMTX_OK);
    }
  });

  test('fills bulk reads and 64 bits with ones too', () => {
    expect(port.readBig(0x100)).toBe(2n ** 64n - 1n);
    const bytes = new Uint8Array(7);
    expect(port.readBytes(0x11, bytes)).toBe(MEMTX_OK);
    expect([...new Set(bytes)]).toEqual([0xff]);
  });
});

describe('a list', () => {
  test('becomes one region for each run of ports without a gap', () => {
    const { list } = listOf([8, 2, 1], [0, 4, 1], [2, 3, 1], [10, 1, 2]);
    list.add(root, 0x100);
    expect(extents(list)).toEqual([
      [0x100, 5],
      [0x108, 4], // ports 8 to 10, and the second byte of a 2-byte access at the last
    ]);
    expect(list.regions.every(({ owner, name }) => owner === 'uart' && name === 'ports')).toBe(true);
    expect(port.read(0x106, 1)).toBe(0xff); // the gap is the root's
  });

  test('calls the handler of the access with the number of its port', () => {
    const { list, calls } = listOf([0, 4, 1], [4, 1, 2], [8, 1, 4]);
    list.add(root, 0x100);
    expect(port.read(0x101, 1)).toBe(0x51);
    port.write(0x103, 1, 0xabcd);
    expect(port.read(0x104, 2)).toBe(0x54);
    expect(port.read(0x108, 4)).toBe(0x58);
    port.write(0x108, 4, 0xdeadbeef);
    expect(calls).toEqual(['in1 101', 'out1 103 cd', 'in2 104', 'in4 108', 'out4 108 deadbeef']);
    expect(port.result).toBe(MEMTX_OK);
  });

  test('makes two calls of a 2-byte access to 1-byte ports, lower port first', () => {
    const { list, calls } = listOf([0, 4, 1]);
    list.add(root, 0x100);
    expect(port.read(0x101, 2)).toBe(0x5251);
    port.write(0x102, 2, 0x1234);
    expect(calls).toEqual(['in1 101', 'in1 102', 'out1 102 34', 'out1 103 12']);
  });

  test('of which half answers, the other half reads ones', () => {
    const { list, calls } = listOf([0, 1, 1, 'r'], [1, 1, 1, 'w']);
    list.add(root, 0x100);
    expect(port.read(0x100, 2)).toBe(0xff50);
    port.write(0x100, 2, 0x1234);
    expect(calls).toEqual(['in1 100', 'out1 101 12']);
  });

  test.each<[string, [number, number, 1 | 2 | 4][], 1 | 2 | 4]>([
    ['4 bytes of 1-byte ports', [[0, 4, 1]], 4],
    ['4 bytes of 2-byte ports', [[0, 4, 2]], 4],
    ['1 byte of a 2-byte port', [[0, 4, 2]], 1],
    ['2 bytes of a 4-byte port', [[0, 4, 4]], 2],
  ])('has no handler for %s: ones, and nothing is written', (_what, entries, size) => {
    const { list, calls } = listOf(...entries);
    list.add(root, 0x100);
    expect(port.read(0x100, size)).toBe(2 ** (8 * size) - 1);
    port.write(0x100, size, 1);
    expect([port.result, calls]).toEqual([MEMTX_OK, []]);
  });

  test('moves, hides, goes, and comes again elsewhere', () => {
    const { list, calls } = listOf([0, 1, 1], [4, 1, 1]);
    list.add(root, 0x100);
    list.setAddress(0x200);
    port.read(0x204, 1);
    expect([calls, port.read(0x100, 1)]).toEqual([['in1 204'], 0xff]);
    list.setEnabled(false);
    expect(port.read(0x204, 1)).toBe(0xff);
    list.setEnabled(true);
    list.remove();
    expect(port.read(0x204, 1)).toBe(0xff);
    list.add(root, 0x300);
    port.read(0x300, 1);
    expect(calls).toEqual(['in1 204', 'in1 300']);
  });

  test.each<[string, (list: PortList) => void, string]>([
    ['added twice', (list) => [list.add(root, 0), list.add(root, 0x10)], 'REGION_ALREADY_MAPPED'],
    ['removed without having been added', (list) => list.remove(), 'NOT_A_SUBREGION'],
    ['added past the last port', (list) => list.add(root, 0xfffd), 'INVALID_ARGUMENT'],
    ['moved below the first', (list) => list.setAddress(-1), 'INVALID_ARGUMENT'],
  ])('refuses to be %s', (_what, action, code) => {
    const { list } = listOf([0, 4, 1]);
    expect(codeOf(() => action(list))).toBe(code);
  });

  test.each<[number, number, number]>([
    [-1, 1, 1],
    [0, 0, 1],
    [0, 1, 3],
    [0x10001, 1, 1],
  ])('refuses an entry at %i of %i ports of %i bytes', (offset, length, size) => {
    expect(codeOf(() => new PortList('bad', [{ offset, length, size: size as 1 }]))).toBe('INVALID_ARGUMENT');
  });
});

test('a module of its own can build its callbacks from entries too', () => {
  const callbacks = portCallbacks([{ offset: 0x10, length: 4, size: 1, read: (at) => at }], 0x10);
  root.addSubregion(0x70, MemoryRegion.io('cmos', 4, controlDevice(callbacks, { access: PORT_ACCESS })));
  expect(port.read(0x72, 2)).toBe(0x1312);
});
