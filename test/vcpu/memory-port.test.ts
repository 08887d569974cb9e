import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { controlDevice } from '../../src/base/device-binding.ts';
import {
  MEMTX_ACCESS_ERROR,
  MEMTX_DECODE_ERROR,
  MEMTX_ERROR,
  MEMTX_OK,
} from '../../src/base/mem-tx-result.ts';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import { transaction } from '../../src/model/transaction.ts';
import { BenchMachine, registers, rootWith } from '../support/bench-machine.ts';

let machine: BenchMachine;
beforeEach(() => {
  machine = new BenchMachine();
});
afterEach(() => machine.close());

const PAGE = 0x1000;

describe('RAM', () => {
  test('what is stored is loaded, in every width and at every alignment', () => {
    const { port } = machine.show('memory', rootWith([0, MemoryRegion.ram('ram', 0x10000)]));
    for (let lo = 0x2000; lo < 0x2008; lo += 1) {
      port.store64(0, lo, 0x01020304, 0x85060788 | 0);
      expect(port.load64(0, lo)).toBe(0x85060788 | 0);
      expect(port.high).toBe(0x01020304);
      expect(port.load32(0, lo)).toBe(0x85060788 | 0);
      expect(port.load16(0, lo)).toBe(0x0788);
      expect(port.load8(0, lo + 7)).toBe(0x01);
      expect(port.result).toBe(MEMTX_OK);
    }
  });

  test('a RAM region at 2^40 and one that ends at 2^64 work with halves, numbers and bigints', () => {
    const { port } = machine.show(
      'memory',
      rootWith(
        [2n ** 40n, MemoryRegion.ram('high', PAGE)],
        [2n ** 64n - 0x1000n, MemoryRegion.ram('top', PAGE)],
      ),
    );
    port.write(2 ** 40 + 8, 4, 0xcafef00d);
    expect(port.read(2n ** 40n + 8n, 4)).toBe(0xcafef00d);
    expect(port.load32(0x100, 8)).toBe(0xcafef00d | 0);
    port.writeBig(2n ** 64n - 8n, 2n ** 64n - 2n);
    expect(port.readBig(2n ** 64n - 8n)).toBe(2n ** 64n - 2n);
    expect(port.load8(-1, -1)).toBe(0xff);
  });

  test('an access that wraps at 2^64 goes on at 0', () => {
    const { port } = machine.show(
      'memory',
      rootWith([0, MemoryRegion.ram('low', PAGE)], [2n ** 64n - 0x1000n, MemoryRegion.ram('top', PAGE)]),
    );
    port.store32(-1, -2, 0x44332211);
    expect(port.load16(-1, -2)).toBe(0x2211);
    expect(port.load16(0, 0)).toBe(0x4433);
    expect(port.load32(-1, -2)).toBe(0x44332211);
  });

  test('an access across two RAM regions is split, not refused', () => {
    const { port } = machine.show(
      'memory',
      rootWith([0, MemoryRegion.ram('a', 0x1002)], [0x1002, MemoryRegion.ram('b', PAGE)]),
    );
    port.store64(0, 0xffe, 0x88776655 | 0, 0x44332211);
    expect(port.load64(0, 0xffe)).toBe(0x44332211);
    expect(port.high).toBe(0x88776655 | 0);
    expect(port.load8(0, 0x1002)).toBe(0x55);
    expect(port.result).toBe(MEMTX_OK);
  });

  test('RAM that lies outside the large buffer is reached as well', () => {
    const big = MemoryRegion.ram('big', 2 ** 25); // the machine reserved 2^24
    const { port } = machine.show('memory', rootWith([0, big]));
    port.store32(0, 0x1ff_f000, 77);
    expect(port.load32(0, 0x1ff_f000)).toBe(77);
    expect(port.atomicAdd32(0, 0x1ff_f000, 1)).toBe(77);
    port.store16(0, 0x1001, 0xabcd);
    expect(port.load16(0, 0x1001)).toBe(0xabcd);
  });
});

describe('what is not RAM', () => {
  test('a hole reads as 0 and reports a decode error, also in part', () => {
    const { port } = machine.show('memory', rootWith([0, MemoryRegion.ram('ram', 0x1002)]));
    port.store16(0, 0x1000, 0xbeef);
    expect(port.load32(0, 0x5000)).toBe(0);
    expect(port.result).toBe(MEMTX_DECODE_ERROR);
    expect(port.load32(0, 0x1000)).toBe(0xbeef);
    expect(port.result).toBe(MEMTX_DECODE_ERROR);
    port.store8(0, 0x9000, 1);
    expect(port.result).toBe(MEMTX_DECODE_ERROR);
    port.load8(0, 0);
    expect(port.result).toBe(MEMTX_OK);
  });

  test('a vCPU store to ROM is discarded, a bulk write says so', () => {
    const rom = MemoryRegion.rom('rom', PAGE);
    const { port } = machine.show('memory', rootWith([0, rom]));
    machine.ram.eachPiece(rom, 0n, 4, (bytes) => bytes.set([1, 2, 3, 4]));
    port.store32(0, 0, -1);
    expect(port.result).toBe(MEMTX_OK);
    expect(port.writeBytes(0, new Uint8Array(4))).toBe(MEMTX_DECODE_ERROR);
    expect(port.load32(0, 0)).toBe(0x04030201);
  });

  test('a ROM device reads from its bytes, writes to its device, and reads there when romd is off', () => {
    const { callbacks, device } = registers(PAGE);
    const flash = MemoryRegion.romDevice('flash', PAGE, device);
    const { port } = machine.show('memory', rootWith([0, flash]));
    machine.ram.eachPiece(flash, 0n, 1, (bytes) => bytes.set([0x5a]));
    port.store8(0, 0, 0x77);
    expect(callbacks.bytes[0]).toBe(0x77);
    expect(port.load8(0, 0)).toBe(0x5a);
    flash.setRomd(false);
    machine.checkpoint();
    expect(port.load8(0, 0)).toBe(0x77);
  });

  test('a device takes an aligned access whole by its first address, an unaligned one in pieces', () => {
    const calls: string[] = [];
    const device = controlDevice({
      read: (offset: number, size: number) => calls.push(`r${offset}/${size}`),
      write: (offset: number, value: number, size: number) => void calls.push(`w${offset}/${size}=${value}`),
    });
    const { port } = machine.show(
      'io',
      rootWith([0xcf8, MemoryRegion.io('address', 1, device)], [0xcf9, MemoryRegion.io('reset', 8, device)]),
    );
    port.store32(0, 0xcf8, -1);
    port.load16(0, 0xcfb);
    port.store64(0, 0xcf8, 2, 1);
    expect(calls).toEqual(['w0/4=4294967295', 'r2/1', 'r3/1', 'w0/4=1', 'w4/4=2']);
  });

  test('a device that spans the whole address space is told every offset, in its upper half too', () => {
    const offsets: number[] = [];
    const callbacks = { read: (offset: number) => offsets.push(offset), write: () => {} };
    const everything = MemoryRegion.io('all', 2n ** 64n, controlDevice(callbacks));
    const shifted = MemoryRegion.alias('shifted', everything, 0xffff_f000n, 2n ** 63n);
    const { port } = machine.show('memory', everything);
    const other = machine.show('other', rootWith([0x10, shifted]));
    for (const address of [0x1000n, 2n ** 32n, 2n ** 52n, 2n ** 63n, 2n ** 64n - 2n ** 11n])
      port.read(address, 1);
    for (const address of [0x10n, 0x1010n, 2n ** 32n]) other.port.read(address, 1);
    expect(offsets).toEqual([
      0x1000,
      2 ** 32,
      2 ** 52,
      2 ** 63,
      2 ** 64 - 2 ** 11,
      0xffff_f000,
      2 ** 32,
      0x1_ffff_eff0,
    ]);
  });

  test('an I/O region without callbacks rejects every access', () => {
    const { port } = machine.show('memory', rootWith([0, MemoryRegion.io('reserved', PAGE, null)]));
    expect(port.load64(0, 0)).toBe(0);
    expect(port.result).toBe(MEMTX_DECODE_ERROR);
  });
});

describe('atomics', () => {
  test('32 and 64 bits return the value before', () => {
    const { port } = machine.show('memory', rootWith([0, MemoryRegion.ram('ram', PAGE)]));
    port.store32(0, 0x10, 5);
    expect(port.atomicAdd32(0, 0x10, 3)).toBe(5);
    expect(port.atomicAnd32(0, 0x10, 12)).toBe(8);
    expect(port.atomicOr32(0, 0x10, 3)).toBe(8);
    expect(port.atomicXor32(0, 0x10, 1)).toBe(11);
    expect(port.atomicSwap32(0, 0x10, 100)).toBe(10);
    expect(port.atomicCompareExchange32(0, 0x10, 99, 1)).toBe(100);
    expect(port.atomicCompareExchange32(0, 0x10, 100, 1)).toBe(100);
    expect(port.load32(0, 0x10)).toBe(1);
    port.writeBig(0x20, 5n);
    expect(port.atomicAdd64(0, 0x20, 2n ** 40n)).toBe(5n);
    expect(port.atomicAnd64(0, 0x20, 2n ** 40n)).toBe(2n ** 40n + 5n);
    expect(port.atomicOr64(0, 0x20, 3n)).toBe(2n ** 40n);
    expect(port.atomicXor64(0, 0x20, 1n)).toBe(2n ** 40n + 3n);
    expect(port.atomicSwap64(0, 0x20, 7n)).toBe(2n ** 40n + 2n);
    expect(port.atomicCompareExchange64(0, 0x20, 7n, -1n)).toBe(7n);
    expect(port.readBig(0x20)).toBe(2n ** 64n - 1n);
  });

  test.each([
    ['misaligned RAM', 0x2, MEMTX_ERROR],
    ['ROM', 0x1000, MEMTX_ACCESS_ERROR],
    ['a device', 0x2000, MEMTX_ACCESS_ERROR],
    ['a hole', 0x3000, MEMTX_DECODE_ERROR],
  ])('on %s nothing is done and the result says why', (_what, lo, result) => {
    const { callbacks, device } = registers(PAGE);
    const { port } = machine.show(
      'memory',
      rootWith(
        [0, MemoryRegion.ram('ram', PAGE)],
        [0x1000, MemoryRegion.rom('rom', PAGE)],
        [0x2000, MemoryRegion.io('dev', PAGE, device)],
      ),
    );
    expect(port.atomicAdd32(0, lo, 1)).toBe(0);
    expect(port.result).toBe(result);
    expect(port.atomicSwap64(0, lo, 1n)).toBe(0n);
    expect(port.result).toBe(result);
    expect(callbacks.bytes.every((byte) => byte === 0)).toBe(true);
  });
});

describe('layouts', () => {
  test('a port keeps its layout until its reader passes a checkpoint', () => {
    const a = MemoryRegion.ram('a', PAGE);
    const b = MemoryRegion.ram('b', PAGE);
    const root = rootWith([0, a, 1], [0, b, 0]);
    const { port } = machine.show('memory', root);
    port.store32(0, 0, 0xaaaa);
    a.setEnabled(false);
    expect(port.load32(0, 0)).toBe(0xaaaa);
    machine.checkpoint();
    expect(port.load32(0, 0)).toBe(0);
    transaction(() => {
      a.setEnabled(true);
      machine.publisher.layoutTag = 7;
    });
    expect(port.layoutTag).toBe(0);
    machine.checkpoint();
    expect(port.load32(0, 0)).toBe(0xaaaa);
    expect(port.layoutTag).toBe(7);
  });

  test('a layout that shows nothing has its tag too, and gives its bytes back when it goes', () => {
    const ram = MemoryRegion.ram('ram', PAGE);
    const root = rootWith([0, ram]);
    const { port } = machine.show('memory', root);
    machine.show('nothing', MemoryRegion.container('nothing', PAGE));
    const before = machine.arena.usedBytes;
    const tagsSeen = [false, true, false, true].map((enabled, step) => {
      machine.publisher.layoutTag = step + 1;
      ram.setEnabled(enabled);
      machine.checkpoint();
      machine.grace.poll();
      return port.layoutTag;
    });
    expect(tagsSeen).toEqual([1, 2, 3, 4]);
    expect(machine.arena.usedBytes).toBe(before);
  });

  test('an unrelated address space keeps its view, and a shared one is published once', () => {
    const ram = MemoryRegion.ram('ram', PAGE);
    const root = rootWith([0, ram]);
    const wrapped = rootWith([0, MemoryRegion.alias('bus master', root, 0, 2n ** 64n)]);
    const first = machine.show('memory', root);
    const second = machine.show('nic', wrapped);
    const before = machine.arena.usedBytes;
    machine.show('disk', wrapped);
    expect(machine.arena.usedBytes).toBe(before);
    first.port.store32(0, 4, 9);
    expect(second.port.load32(0, 4)).toBe(9);
  });

  test('bulk copies cross RAM, devices and holes', () => {
    const { callbacks, device } = registers(0x10);
    callbacks.bytes.set([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]);
    const { port } = machine.show(
      'memory',
      rootWith(
        [0x3, MemoryRegion.ram('ram', 5)],
        [0x8, MemoryRegion.io('dev', 0x10, device)],
        [0x20, MemoryRegion.ram('ram2', 3)],
      ),
    );
    expect(port.writeBytes(0x3, Uint8Array.of(31, 32, 33, 34, 35))).toBe(MEMTX_OK);
    const into = new Uint8Array(0x24).fill(0xee);
    expect(port.readBytes(0x2, into)).toBe(MEMTX_DECODE_ERROR);
    expect([...into]).toEqual([
      0, 31, 32, 33, 34, 35, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0,
      0, 0, 0, 0, 0,
    ]);
  });
});
