/** The small parts of the verifying workload: samples, cells, private RAM, histograms, differences. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import type { FlatJson } from '../../src/qemu/flat-json.ts';
import type { MemoryPort } from '../../src/vcpu/memory-port.ts';
import { AccessChecker } from '../../src/verify/access-checker.ts';
import { createBoard, FOUND_COUNTER, FOUND_TORN, takeFindings } from '../../src/verify/board.ts';
import { CellBook } from '../../src/verify/cell-book.ts';
import * as format from '../../src/verify/cell-format.ts';
import { flatDifference } from '../../src/verify/flat-difference.ts';
import { Latencies } from '../../src/verify/latencies.ts';
import { Oracle } from '../../src/verify/oracle.ts';
import { PrivateMemory } from '../../src/verify/private-memory.ts';
import { type PrivateExtent, PrivateRam } from '../../src/verify/private-ram.ts';
import { ProbeDevices } from '../../src/verify/probe-devices.ts';
import { Random } from '../../src/verify/random.ts';
import { SampleSet } from '../../src/verify/sample-set.ts';
import { windowsOf } from '../../src/verify/windows.ts';
import { at, container, io, ram } from '../support/drawing.ts';

describe('random numbers', () => {
  test('repeat with the seed', () => {
    const draw = (seed: number): number[] =>
      Array.from(
        { length: 5 },
        (
          (r) => () =>
            r.next()
        )(new Random(seed)),
      );
    expect(draw(3)).toEqual(draw(3));
    expect(draw(3)).not.toEqual(draw(4));
  });
  test('follow weights, and never pick what weighs nothing', () => {
    const random = new Random(1);
    const counts = [0, 0, 0];
    for (let turn = 0; turn < 3000; turn += 1) counts[random.weighted([1, 0, 3])]! += 1;
    expect(counts[1]).toBe(0);
    expect(counts[2]! / counts[0]!).toBeGreaterThan(2.4);
  });
});

describe('samples', () => {
  const region = io('r', 1);
  test('lie at the borders of a window, inside and outside', () => {
    const set = new SampleSet();
    set.addWindow({ region, first: 0x1000n, last: 0x1fffn });
    expect(set.choose(99, new Random(1))).toEqual(
      [0xffcn, 0x1000n, 0x17fcn, 0x1ffcn, 0x2000n].map((address) => ({ address, size: 4 })),
    );
  });
  test('look at single bytes where a border is odd', () => {
    const set = new SampleSet();
    set.addWindow({ region, first: 0x61n, last: 0x61n });
    const bytes = set.choose(99, new Random(1)).filter(({ size }) => size === 1);
    expect(bytes.map(({ address }) => address)).toEqual([0x60n, 0x61n, 0x62n]);
  });
  test('never leave the address space', () => {
    const set = new SampleSet();
    set.addWindow({ region, first: 0n, last: (1n << 64n) - 1n });
    for (const { address, size } of set.choose(99, new Random(1))) {
      expect(address).toBeGreaterThanOrEqual(0n);
      expect(address + BigInt(size)).toBeLessThanOrEqual(1n << 64n);
      expect(address % BigInt(size)).toBe(0n);
    }
  });
});

describe('windows', () => {
  test('show a region at every place where an alias puts it, clipped', () => {
    const below = ram('ram', 0x4000);
    const alias = MemoryRegion.alias('window', below, 0x1000, 0x800);
    const root = container('root', 0x10000, [at(0, below), at(0x8000, alias)]);
    const places = windowsOf(root).filter((window) => window.region === below);
    expect(places.map(({ first, last }) => [first, last])).toEqual([
      [0x8000n, 0x87ffn],
      [0n, 0x3fffn],
    ]);
  });
});

describe('the cell book', () => {
  const probes = new ProbeDevices();
  const device = MemoryRegion.io('device', 0x100, probes.bind());
  const memory = ram('memory', 0x2000);
  const rom = MemoryRegion.rom('rom', 0x1000);
  const flash = MemoryRegion.romDevice('flash', 0x1000, probes.bind());
  const dead = io('dead', 0x100);
  const mirror = MemoryRegion.alias('mirror', memory, 0x1000, 0x1000);
  const root = container('root', 0x10000, [
    at(0, memory),
    at(0x2000, mirror),
    at(0x4000, rom),
    at(0x5000, flash),
    at(0x7000, device),
    at(0x7100, dead),
  ]);
  const entryAt = (book: CellBook, address: bigint, size = 4): number =>
    book.entryFor(new Oracle(root).at(address), address, size);

  test.each([
    ['RAM', 0x10n, 4, format.CLASS_RAM],
    ['ROM', 0x4010n, 4, format.CLASS_ROM],
    ['a ROM device', 0x5010n, 4, format.CLASS_ROM_DEVICE],
    ['a device', 0x7010n, 1, format.CLASS_DEVICE],
    ['a hole', 0x9000n, 4, format.CLASS_HOLE],
    ['the last byte of a hole', 0x6fffn, 1, format.CLASS_HOLE],
    ['a word that begins in a hole and ends in a device', 0x6ffdn, 4, format.CLASS_SKIP],
    ['a region without callbacks', 0x7110n, 4, format.CLASS_SKIP],
    ['an odd byte of RAM', 0x11n, 1, format.CLASS_SKIP],
  ])('knows %s', (_name, address, size, kind) => {
    expect(format.classOf(entryAt(new CellBook(2, 100), address, size))).toBe(kind);
  });

  test('has one cell for a word, through whatever alias', () => {
    const book = new CellBook(2, 100);
    expect(entryAt(book, 0x2010n)).toBe(entryAt(book, 0x1010n));
    expect(book.takeFresh()).toMatchObject([{ region: memory, offset: 0x1010n, tag: 1, isMemory: true }]);
    expect(book.takeFresh()).toEqual([]);
  });

  test('leaves reserved words and what is past its room alone', () => {
    const book = new CellBook(1, 2);
    book.reserve(memory, 0x100n, 8);
    expect(entryAt(book, 0x104n)).toBe(format.CLASS_SKIP);
    expect([0x0n, 0x4n, 0x8n].map((address) => format.classOf(entryAt(book, address)))).toEqual([
      format.CLASS_RAM,
      format.CLASS_RAM,
      format.CLASS_SKIP,
    ]);
  });

  test('gives registers of a device one version each, and offsets a tag each', () => {
    const book = new CellBook(3, 100);
    const origins = [0x7000n, 0x7001n, 0x7020n, 0x7004n].map(
      (address) => book.originOf(format.cellOf(entryAt(book, address, 1)))!,
    );
    expect(origins.map(({ slot }) => slot)).toEqual([0, 0, 0, 1]);
    expect(new Set(origins.map(({ tag }) => tag)).size).toBe(4);
    expect(origins.every(({ tag }) => (tag & format.DEVICE_TAG_BIT) !== 0)).toBe(true);
    expect(book.findTag(origins[2]!.tag)).toBe(origins[2]);
  });
});

describe('private RAM', () => {
  const memory = ram('memory', 0x100000);
  const extent = (address: bigint, offset = address): PrivateExtent => ({ address, region: memory, offset });

  test('is never shared between vCPUs, nor reached by two ways', () => {
    const extents = [extent(0x2000n), extent(0x8000n), extent(0x10000n, 0x2000n)];
    const shares = new PrivateRam(extents, 40);
    const words = Array.from({ length: 40 }, (_, vcpu) => shares.placesFor(vcpu).blocks)
      .flat()
      .flatMap(([, lo]) => [0, 4, 8, 12].map((byte) => lo + byte))
      .concat(shares.placesFor(0).counters.map(([, lo]) => lo));
    expect(words.length).toBeGreaterThan(1000);
    expect(new Set(words).size).toBe(words.length);
    expect(words.every((lo) => lo < 0x10000)).toBe(true);
  });

  test('is what stays plain RAM at its place', () => {
    const root = container('root', 0x100000, [at(0, memory), at(0x5000, io('over', 4), 1)]);
    const candidates = [0x2000n, 0x4000n, 0x8000n].map((address) => extent(address, -1n));
    const found = PrivateRam.stillThere(candidates, new Oracle(root));
    expect(found).toEqual([extent(0x2000n), extent(0x8000n)]);
    root.delSubregion(memory);
    root.addSubregion(0x2000, memory);
    expect(PrivateRam.stillThere(found, new Oracle(root))).toEqual([]);
  });

  /** A port on an array, which may lose the upper half of 64-bit stores or count backwards. */
  function exercise(options: { readonly tears?: boolean; readonly countsDown?: boolean } = {}): number[] {
    const bytes = new DataView(new ArrayBuffer(64));
    let counter = 5;
    const port = {
      result: 0,
      high: 0,
      load8: (_hi: number, lo: number) => bytes.getUint8(lo),
      load16: (_hi: number, lo: number) => bytes.getUint16(lo, true),
      load32: (_hi: number, lo: number) => bytes.getInt32(lo, true),
      load64(_hi: number, lo: number) {
        port.high = bytes.getInt32(lo + 4, true);
        return bytes.getInt32(lo, true);
      },
      store8: (_hi: number, lo: number, value: number) => bytes.setUint8(lo, value),
      store16: (_hi: number, lo: number, value: number) => bytes.setUint16(lo, value, true),
      store32: (_hi: number, lo: number, value: number) => bytes.setInt32(lo, value, true),
      store64(_hi: number, lo: number, high: number, low: number) {
        bytes.setInt32(lo, low, true);
        if (options.tears !== true) bytes.setInt32(lo + 4, high, true);
      },
      atomicAdd32: () => (options.countsDown === true ? --counter : counter++),
    };
    const board = createBoard(1);
    const cells = new CellBook(1, 1).shared;
    const checker = new AccessChecker(0, board, cells);
    const own = new PrivateMemory({ blocks: [[0, 8]], counters: [[0, 0]] });
    const random = new Random(9);
    for (let turn = 0; turn < 500; turn += 1) own.exercise(port as unknown as MemoryPort, checker, random);
    expect(own.added[0]).toBe(500);
    expect(checker.checked).toBe(2000);
    return takeFindings(board, 0).map(({ what }) => what);
  }
  test('is in order on a port that is', () => expect(exercise()).toEqual([]));
  test('convicts a port that tears', () => expect(exercise({ tears: true })).toContain(FOUND_TORN));
  test('convicts a counter that goes back', () =>
    expect(exercise({ countsDown: true })).toContain(FOUND_COUNTER));
});

describe('latencies', () => {
  test('are all 0 before the first', () =>
    expect(new Latencies().summary()).toEqual({ p50Us: 0, p99Us: 0, maxUs: 0 }));
  test('come in microseconds, percentiles not above the maximum', () => {
    const latencies = new Latencies();
    for (let ms = 1; ms <= 100; ms += 1) latencies.record(ms / 1000);
    const { p50Us, p99Us, maxUs } = latencies.summary();
    expect(maxUs).toBe(100);
    expect(p50Us).toBeCloseTo(50, 0);
    expect(p99Us).toBeLessThanOrEqual(maxUs);
  });
});

describe('the difference of flat views', () => {
  const range = (start: number, name = 'ram') => ({
    start: `0x${start.toString(16)}`,
    last: `0x${(start + 0xfff).toString(16)}`,
    type: 'ram',
    name,
    offset: '0x0',
    priority: 0,
  });
  const view = (addressSpaces: string[], ...starts: number[]): FlatJson => ({
    addressSpaces,
    root: 'system',
    ranges: starts.map((start) => range(start)),
  });

  test('is none in another order', () => {
    const views = [view(['a', 'b'], 0), view(['c'], 0x1000)];
    expect(flatDifference(views, [view(['c'], 0x1000), view(['b', 'a'], 0)])).toBeNull();
  });
  test('tells views of one name apart by their contents', () => {
    const views = [view(['a'], 0), view(['a'], 0x1000)];
    expect(flatDifference(views, views.toReversed())).toBeNull();
    expect(flatDifference(views, [views[0]!, views[0]!])).not.toBeNull();
  });
  test.each([
    ['a view that is missing', [], /^a view of a with root system$/, /^none$/],
    ['a view too many', [view(['a'], 0), view(['b'], 0)], /^none$/, /^a view of b/],
    ['a range that is missing', [view(['a'])], /^0x0-0xfff ram 'ram' @0x0 priority 0 in/, /^no more ranges$/],
    ['a range elsewhere', [view(['a'], 0x1000)], /^0x0-0xfff/, /^0x1000-0x1fff/],
  ])('names %s', (_name, ours, expected, got) => {
    const difference = flatDifference(ours, [view(['a'], 0)]);
    expect(difference?.expected).toMatch(expected);
    expect(difference?.got).toMatch(got);
  });
});

test('tags of devices depend on the device and on every bit of the offset', () => {
  const offsets = fc.bigInt(0n, (1n << 53n) - 1n).map(Number);
  let equal = 0;
  fc.assert(
    fc.property(fc.nat(1000), fc.nat(1000), offsets, offsets, (probe, otherProbe, offset, other) => {
      const tag = format.deviceTag(probe, offset);
      expect(tag & ~format.TAG_MASK).toBe(0);
      expect(tag & format.DEVICE_TAG_BIT).not.toBe(0);
      if (offset !== other && tag === format.deviceTag(probe, other)) equal += 1;
      if (probe !== otherProbe && tag === format.deviceTag(otherProbe, offset)) equal += 1;
    }),
    { numRuns: 500 },
  );
  expect(equal).toBeLessThan(5);
});
