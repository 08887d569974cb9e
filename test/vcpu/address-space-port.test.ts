/** What ports do beside loads and stores: attributes, byte order, fill, loaders, queries. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { controlDevice } from '../../src/base/device-binding.ts';
import { MEMTXATTRS_DEBUG, MEMTXATTRS_MEMORY, MEMTXATTRS_UNSPECIFIED } from '../../src/base/mem-tx-attrs.ts';
import { MEMTX_ACCESS_ERROR, MEMTX_DECODE_ERROR, MEMTX_OK } from '../../src/base/mem-tx-result.ts';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import type { MemoryPort } from '../../src/vcpu/memory-port.ts';
import { BenchMachine, ByteRegisters } from '../support/bench-machine.ts';

const RAM = 0x1000;
const ROM = 0x2000;
const FLASH = 0x3000;
const DEVICE = 0x4000;
const RESERVED = 0x5000;
const HOLE = 0x6000;

let machine: BenchMachine;
let port: MemoryPort;
let rom: MemoryRegion;
let flash: MemoryRegion;
let registers: ByteRegisters;
let flashRegisters: ByteRegisters;

beforeEach(() => {
  machine = new BenchMachine();
  registers = new ByteRegisters(0x1000);
  flashRegisters = new ByteRegisters(0x1000);
  rom = MemoryRegion.rom('rom', 0x1000);
  flash = MemoryRegion.romDevice('flash', 0x1000, controlDevice(flashRegisters));
  const root = MemoryRegion.container('root', 2n ** 64n);
  root.addSubregion(RAM, MemoryRegion.ram('ram', 0x1000));
  root.addSubregion(ROM, rom);
  root.addSubregion(FLASH, flash);
  root.addSubregion(DEVICE, MemoryRegion.io('device', 0x1000, controlDevice(registers)));
  root.addSubregion(RESERVED, MemoryRegion.io('reserved', 0x1000, null));
  port = machine.show('memory', root).port;
});
afterEach(() => machine.close());

describe('attributes', () => {
  test('are unspecified until they are set, and reach devices on every way', () => {
    const seen: number[] = [];
    const callbacks = {
      readWithAttrs: (_offset: number, _size: number, attrs: number) => seen.push(attrs),
      writeWithAttrs: (_offset: number, _value: number, _size: number, attrs: number) =>
        void seen.push(attrs),
    };
    const other = machine.show('other', MemoryRegion.io('watcher', 0x2000, controlDevice(callbacks))).port;
    expect(other.attrs).toBe(MEMTXATTRS_UNSPECIFIED);
    for (let turn = 0; turn < 2; turn += 1) other.load32(0, 0); // the second by the TLB
    other.attrs = 0x50_0002;
    other.load32(0, 4);
    other.store32(0, 4, 1);
    other.load64(0, 8);
    other.readBytes(0, new Uint8Array(4));
    other.writeBytes(0, new Uint8Array(4));
    expect(seen).toEqual([1, 1, ...Array(6).fill(0x50_0002)]); // 64 bits are two calls
  });

  test.each<[string, number, number]>([
    ['RAM', RAM, MEMTX_OK],
    ['ROM', ROM, MEMTX_OK],
    ['a ROM device', FLASH, MEMTX_ACCESS_ERROR],
    ['a device', DEVICE, MEMTX_ACCESS_ERROR],
    ['a hole', HOLE, MEMTX_DECODE_ERROR],
  ])(
    'with MEMTXATTRS_MEMORY %s answers with result %3$d, before and after it was in the TLB',
    (_what, at, result) => {
      port.load32(0, at);
      port.attrs = MEMTXATTRS_MEMORY;
      for (let turn = 0; turn < 2; turn += 1) {
        port.load32(0, at);
        expect(port.result).toBe(result);
        expect(port.readBytes(at, new Uint8Array(4))).toBe(result);
      }
      port.attrs = MEMTXATTRS_UNSPECIFIED;
      port.load32(0, at);
      expect(port.result).toBe(at === HOLE ? MEMTX_DECODE_ERROR : MEMTX_OK);
    },
  );

  test('with MEMTXATTRS_MEMORY no write reaches a device', () => {
    port.attrs = MEMTXATTRS_MEMORY;
    port.store32(0, DEVICE, -1);
    expect(port.result).toBe(MEMTX_ACCESS_ERROR);
    expect(port.writeBytes(DEVICE, Uint8Array.of(1, 2, 3, 4))).toBe(MEMTX_ACCESS_ERROR);
    expect(registers.bytes.every((byte) => byte === 0)).toBe(true);
  });

  test.each<[string, number]>([
    ['ROM', ROM],
    ['a ROM device in ROM mode', FLASH],
  ])('with MEMTXATTRS_DEBUG writes reach the bytes of %s', (_what, at) => {
    port.store32(0, at, 1);
    expect(port.load32(0, at)).toBe(0);
    port.attrs = MEMTXATTRS_DEBUG;
    port.store32(0, at, 0x1234);
    port.store64(0, at + 6, 0x99aa_bbcc | 0, 0x5566_7788);
    expect(port.writeBytes(at + 16, Uint8Array.of(7))).toBe(MEMTX_OK);
    port.attrs = MEMTXATTRS_UNSPECIFIED;
    expect(port.load32(0, at)).toBe(0x1234);
    expect(port.readBig(at + 6)).toBe(0x99aa_bbcc_5566_7788n);
    expect(port.load8(0, at + 16)).toBe(7);
  });

  test('with MEMTXATTRS_DEBUG a ROM device that answers itself is still written by its callback', () => {
    flash.setRomd(false);
    machine.checkpoint();
    port.attrs = MEMTXATTRS_DEBUG;
    port.store8(0, FLASH + 1, 0x90);
    expect(flashRegisters.bytes[1]).toBe(0x90);
  });
});

describe('big-endian loads and stores', () => {
  test('take the most significant byte first, in RAM and of devices', () => {
    for (const at of [RAM, DEVICE]) {
      port.writeBytes(at, Uint8Array.of(0x81, 2, 3, 4, 5, 6, 7, 8));
      expect(port.load16be(0, at)).toBe(0x8102);
      expect(port.load32be(0, at)).toBe(0x8102_0304 | 0);
      expect(port.load64be(0, at)).toBe(0x0506_0708);
      expect(port.high).toBe(0x8102_0304 | 0);
      port.store16be(0, at, 0xa1b2);
      port.store32be(0, at + 4, 0xc1d2_e3f4 | 0);
      const bytes = new Uint8Array(8);
      port.readBytes(at, bytes);
      expect([...bytes]).toEqual([0xa1, 0xb2, 3, 4, 0xc1, 0xd2, 0xe3, 0xf4]);
      port.store64be(0, at, 0x1122_3344, 0x5566_7788);
      port.readBytes(at, bytes);
      expect([...bytes]).toEqual([0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88]);
    }
  });
});

describe('a guest whose accesses are not aligned', () => {
  test('reaches a device whole where its rules allow it, by its first address', () => {
    const calls: string[] = [];
    const callbacks = {
      read: (offset: number, size: number) => calls.push(`r${offset}/${size}`),
      write: (offset: number, value: number, size: number) => void calls.push(`w${offset}/${size}=${value}`),
    };
    const rules = { valid: { unaligned: true }, impl: { unaligned: true } };
    const device = MemoryRegion.io('loose', 0x2000, controlDevice(callbacks, { access: rules }));
    const loose = machine.show('loose', device).port;
    loose.load32(0, 3);
    loose.store16(0, 5, 0x1234);
    loose.load64(0, 1);
    expect(calls).toEqual(['r3/4', 'w5/2=4660', 'r1/4', 'r5/4']);
  });
});

describe('fill, writeRom', () => {
  test('fill writes all of its bytes, over chunks and sections, and reports what was not taken', () => {
    expect(port.fill(RAM + 3, 0xab, 0xffd)).toBe(MEMTX_OK);
    const bytes = new Uint8Array(0x1000);
    port.readBytes(RAM, bytes);
    expect([...bytes.subarray(0, 4)]).toEqual([0, 0, 0, 0xab]);
    expect(bytes.subarray(3).every((byte) => byte === 0xab)).toBe(true);
    expect(port.fill(ROM - 2, 0xcd, 4)).toBe(MEMTX_DECODE_ERROR);
    expect([port.load8(0, ROM - 1), port.load8(0, ROM)]).toEqual([0xcd, 0]);
    expect(port.fill(RAM, 1, 0)).toBe(MEMTX_OK);
  });

  test('writeRom writes RAM, ROM and ROM devices in ROM mode, and leaves the rest out without an error', () => {
    const bytes = Uint8Array.from({ length: 0x5000 }, (_, i) => (i >>> 12) + 1);
    port.writeRom(RAM, bytes);
    expect(port.result).toBe(MEMTX_OK);
    expect([RAM, ROM, FLASH].map((at) => port.load8(0, at + 0xfff))).toEqual([1, 2, 3]);
    expect(registers.bytes.every((byte) => byte === 0)).toBe(true);
  });
});

describe('queries', () => {
  test.each<[string, number, number, boolean, boolean]>([
    // what, address, length, read is valid, write is valid
    ['RAM', RAM, 0x1000, true, true],
    ['RAM and ROM', RAM, 0x2000, true, false],
    ['a ROM device', FLASH, 8, true, true],
    ['a device', DEVICE, 8, true, true],
    ['a reservation', RESERVED, 1, false, false],
    ['a hole', HOLE, 1, false, false],
    ['RAM up to before a hole of the last byte', HOLE - 0x1000, 0x1001, false, false],
    ['nothing', HOLE, 0, true, true],
  ])('accessValid of %s', (_what, at, length, reads, writes) => {
    expect([port.accessValid(at, length, false), port.accessValid(at, length, true)]).toEqual([
      reads,
      writes,
    ]);
  });

  test('accessValid asks the device of its rules, without an access', () => {
    const calls: string[] = [];
    const callbacks = {
      read: () => calls.push('read'),
      write: () => void calls.push('write'),
      accepts: (offset: number, _size: number, isWrite: boolean) => offset < 8 || !isWrite,
    };
    const device = controlDevice(callbacks, { access: { valid: { min: 4, max: 4 } } });
    const strict = machine.show('strict', MemoryRegion.io('strict', 0x10, device)).port;
    expect([strict.accessValid(0, 8, true), strict.accessValid(8, 8, true)]).toEqual([true, false]);
    expect([strict.accessValid(8, 8, false), strict.accessValid(0, 2, false)]).toEqual([true, false]);
    strict.attrs = MEMTXATTRS_MEMORY;
    expect(strict.accessValid(0, 4, false)).toBe(false);
    expect(calls).toEqual([]);
  });

  test('isIo tells what does not come from bytes', () => {
    const answers = [RAM, ROM, FLASH, DEVICE, RESERVED, HOLE].map((at) => port.isIo(at));
    expect(answers).toEqual([false, false, false, true, true, true]);
    flash.setRomd(false);
    machine.checkpoint();
    expect(port.isIo(FLASH)).toBe(true);
  });
});

describe('arguments that are none', () => {
  test.each<[string, () => unknown]>([
    ['an address that is no whole number', () => port.read(0.5, 1)],
    ['a number that cannot be an exact address', () => port.read(2 ** 60, 1)],
    ['a value that is no number', () => port.write(RAM, 1, '1' as never)],
    ['a length of less than nothing', () => port.fill(RAM, 1, -1)],
    ['a length past every buffer', () => port.accessValid(RAM, 2 ** 33, false)],
    ['bytes that are none', () => port.writeRom(RAM, [1] as never)],
  ])('%s: refused, and nothing is written', (_what, access) => {
    expect(access).toThrow(/^INVALID_ARGUMENT: /);
    expect(port.read(RAM, 4)).toBe(0);
  });
});
