/** Bulk copies of a RAM device keep the width of each access. */
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import { loadExactly, storeExactly } from '../../src/vcpu/exact-copy.ts';
import type { RamView } from '../../src/vcpu/ram-views.ts';
import { BenchMachine } from '../support/bench-machine.ts';

/** Memory that notes each access as 'width@byte'. */
function noted(size: number) {
  const buffer = new SharedArrayBuffer(size);
  const accesses: string[] = [];
  const note = <T extends object>(array: T, width: number): T =>
    new Proxy(array, {
      get(target, key) {
        accesses.push(`${width}@${Number(String(key)) * width}`);
        return Reflect.get(target, key, target);
      },
      set(target, key, value) {
        accesses.push(`${width}@${Number(String(key)) * width}`);
        return Reflect.set(target, key, value, target);
      },
    });
  const ram: RamView = {
    bytes: note(new Uint8Array(buffer), 1),
    halves: note(new Uint16Array(buffer), 2),
    words: note(new Int32Array(buffer), 4),
    doubles: note(new BigInt64Array(buffer), 8),
    dirty: new Int32Array(new SharedArrayBuffer(4)),
  };
  return { bytes: new Uint8Array(buffer), ram, accesses };
}

describe('a copy', () => {
  test.each([
    [0, 8, ['8@0']],
    [0, 7, ['4@0', '2@4', '1@6']],
    [1, 7, ['1@1', '2@2', '4@4']],
    [6, 14, ['2@6', '8@8', '4@16']],
    [3, 1, ['1@3']],
    [2, 0, []],
  ])('from byte %i of %i bytes takes each piece once, in its width', (byte, length, expected) => {
    const load = noted(32);
    loadExactly(load.ram, byte, new Uint8Array(length));
    expect(load.accesses).toEqual(expected);
    const store = noted(32);
    storeExactly(store.ram, byte, new Uint8Array(length));
    expect(store.accesses).toEqual(expected);
  });

  test('copies what a block copy would', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        fc.nat(15),
        fc.nat(16),
        (data, byte, length) => {
          const { bytes, ram } = noted(32);
          storeExactly(ram, byte, data.subarray(0, length));
          const expected = new Uint8Array(32);
          expected.set(data.subarray(0, length), byte);
          expect(bytes).toEqual(expected);
          const back = new Uint8Array(length);
          loadExactly(ram, byte, back);
          expect(back).toEqual(data.slice(0, length));
        },
      ),
    );
  });
});

describe('through a port', () => {
  let machine: BenchMachine;
  beforeEach(() => {
    machine = new BenchMachine();
  });
  afterEach(() => machine.close());

  test('the bytes of a RAM device go both ways, over its end into RAM too', () => {
    const root = MemoryRegion.container('root', 2n ** 64n);
    const own = new SharedArrayBuffer(0x1000);
    root.addSubregion(0, MemoryRegion.ramDevice('bar', own));
    root.addSubregion(0x1000, MemoryRegion.ram('ram', 0x1000));
    const { port } = machine.show('memory', root);
    const data = Uint8Array.from({ length: 30 }, (_, i) => i + 1);
    port.writeBytes(0xff1, data);
    expect([...new Uint8Array(own).subarray(0xff1)]).toEqual([...data.subarray(0, 15)]);
    const back = new Uint8Array(30);
    port.readBytes(0xff1, back);
    expect(back).toEqual(data);
  });
});
