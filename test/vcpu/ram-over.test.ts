/** RAM over the caller's bytes, and RAM of a device: what vCPUs and the caller see of each other's writes. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { MEMTX_OK } from '../../src/base/mem-tx-result.ts';
import { CELL_BYTES, cellWord } from '../../src/layout/map-entry.ts';
import {
  SECTION_FLAG_ASSIGNED,
  SECTION_FLAG_EXACT,
  SECTION_FLAG_READ_DIRECT,
  SECTION_FLAG_READONLY,
  SECTION_FLAG_WRITE_DIRECT,
  SECTION_FLAGS,
  SECTION_REGION,
} from '../../src/layout/section-record.ts';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import { BenchMachine } from '../support/bench-machine.ts';
import { codeOf } from '../support/code-of.ts';
import { messageOf } from '../support/message-of.ts';

const PAGE = 0x1000;
let machine: BenchMachine;
beforeEach(() => {
  machine = new BenchMachine();
});
afterEach(() => machine.close());

/** A port that finds `region` at `offset`. */
function portTo(region: MemoryRegion, offset = 0) {
  const root = MemoryRegion.container('root', 2n ** 64n);
  root.addSubregion(offset, region);
  return machine.show('memory', root).port;
}

describe.each([
  ['RAM over a buffer', MemoryRegion.ramOver],
  ['RAM of a device', MemoryRegion.ramDevice],
])('%s', (_what, make) => {
  test('is the caller’s own bytes: each sees what the other writes', () => {
    const buffer = new SharedArrayBuffer(2 * PAGE);
    const bytes = new DataView(buffer);
    const port = portTo(make('shared', buffer), 0x10000);
    bytes.setUint32(PAGE + 4, 0x12345678, true);
    expect(port.load32(0, 0x10000 + PAGE + 4)).toBe(0x12345678);
    port.store16(0, 0x10002, 0xbeef);
    expect(port.result).toBe(MEMTX_OK);
    expect(bytes.getUint16(2, true)).toBe(0xbeef);
  });

  test('begins at any multiple of 8, and ends where it is told, not where the buffer does', () => {
    const buffer = new SharedArrayBuffer(PAGE);
    const region = make('part', buffer, { byteOffset: 24, sizeBytes: 101 });
    expect(region.size).toBe(101n);
    const port = portTo(region);
    port.store32(0, 96, -1);
    port.store8(0, 100, 7);
    port.store8(0, 101, 9); // a hole
    expect([...new Uint8Array(buffer, 24 + 96, 6)]).toEqual([255, 255, 255, 255, 7, 0]);
    port.store64(0, 8, 1, 2);
    expect(new DataView(buffer).getBigUint64(24 + 8, true)).toBe((1n << 32n) | 2n);
  });

  test('gives the buffer back when it is released: another use of it finds the same bytes', () => {
    const buffer = new SharedArrayBuffer(PAGE);
    const region = make('shared', buffer);
    const held = machine.ram.reservedBytes;
    machine.ram.eachPiece(region, 0n, 1, (bytes) => bytes.set([42]));
    expect(machine.ram.reservedBytes).toBe(held + PAGE);
    machine.ram.detach(region)();
    expect(machine.ram.reservedBytes).toBe(held);
    machine.ram.eachPiece(region, 0n, 1, (bytes) => expect([...bytes]).toEqual([42]));
  });

  test('may be the buffer of two regions at once', () => {
    const buffer = new SharedArrayBuffer(PAGE);
    const root = MemoryRegion.container('root', 2 * PAGE);
    root.addSubregion(0, make('one', buffer));
    root.addSubregion(PAGE, make('other', buffer));
    const { port } = machine.show('memory', root);
    port.store32(0, 8, 77);
    expect(port.load32(0, PAGE + 8)).toBe(77);
  });

  test('cannot grow past its buffer', () => {
    const region = make('shared', new SharedArrayBuffer(PAGE));
    portTo(region);
    expect(codeOf(() => region.setSize(PAGE + 1))).toBe('RAM_EXHAUSTED');
    expect(region.size).toBe(BigInt(PAGE));
    region.setSize(16);
    expect(region.size).toBe(16n);
  });

  const shared = new SharedArrayBuffer(64);
  test.each<[string, () => MemoryRegion, RegExp]>([
    [
      'an ArrayBuffer',
      () => make('r', new ArrayBuffer(64) as unknown as SharedArrayBuffer),
      /make one and copy/,
    ],
    ['a view', () => make('r', new Uint8Array(shared) as unknown as SharedArrayBuffer), /SharedArrayBuffer/],
    ['no buffer at all', () => make('r', null as unknown as SharedArrayBuffer), /got null/],
    ['one that grows', () => make('r', new SharedArrayBuffer(64, { maxByteLength: 128 })), /growable/],
    ['an odd length', () => make('r', new SharedArrayBuffer(63)), /multiple of 8 bytes, not 63/],
    ['an odd start', () => make('r', shared, { byteOffset: 4 }), /byteOffset must be a multiple of 8/],
    ['a negative start', () => make('r', shared, { byteOffset: -8 }), /byteOffset/],
    ['a start past the end', () => make('r', shared, { byteOffset: 72 }), /not in a buffer of 64/],
    [
      'more bytes than are left',
      () => make('r', shared, { byteOffset: 56, sizeBytes: 9 }),
      /9 bytes from 56/,
    ],
    ['half a byte', () => make('r', shared, { sizeBytes: 0.5 }), /0\.5 bytes/],
  ])('refuses %s, and says what to do', (_bad, body, message) => {
    expect(codeOf(body)).toBe('INVALID_ARGUMENT');
    expect(messageOf(body)).toMatch(message);
  });

  test('of no bytes is nothing', () => {
    const region = make('empty', shared, { byteOffset: 64 });
    expect(region.size).toBe(0n);
    expect(machine.ram.blocksOf(region)).toEqual([]);
  });
});

test('RAM of a device may have bytes of its own', () => {
  const port = portTo(MemoryRegion.ramDevice('bar', PAGE));
  port.store32(0, 4, 99);
  expect(port.load32(0, 4)).toBe(99);
});

describe('the section of RAM of a device', () => {
  const direct = SECTION_FLAG_ASSIGNED | SECTION_FLAG_EXACT | SECTION_FLAG_READ_DIRECT;
  test.each([
    ['is direct and keeps the width of each access', {}, direct | SECTION_FLAG_WRITE_DIRECT],
    ['is not written where it is readonly', { readonly: true }, direct | SECTION_FLAG_READONLY],
  ])('%s', (_what, options, flags) => {
    const region = MemoryRegion.ramDevice('bar', PAGE, options);
    portTo(region);
    const { words, highWaterBytes } = machine.arena;
    const cells = Array.from({ length: highWaterBytes / CELL_BYTES }, (_, cell) => cellWord(cell));
    const sections = cells.filter((word) => words[word + SECTION_REGION] === region.id);
    expect(sections.map((word) => words[word + SECTION_FLAGS])).toEqual([flags]);
  });
});
