import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Attachment } from '../../src/layout/attachments.ts';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import { RAM_BUFFER_BYTES_MAX, type RamBlock, RamStore } from '../../src/publish/ram-store.ts';
import { codeOf } from '../support/code-of.ts';

const PAGE = 4096;
const GIB = 2 ** 30;
const RESERVE = 16 * PAGE;

let posted: Attachment[];
let store: RamStore;
beforeEach(() => {
  posted = [];
  store = new RamStore(
    RESERVE,
    (attachment) => posted.push(attachment),
    (free) => free(),
  );
});

const ram = (bytes: number | bigint): MemoryRegion =>
  MemoryRegion.ram(`ram of ${bytes}`, bytes, { ramId: null });
/** Ascending from 0, without gaps, and enough for the region. */
function expectWhole(region: MemoryRegion, blocks: readonly RamBlock[]): void {
  let end = 0n;
  for (const block of blocks) {
    expect(block.offsetInRegion).toBe(end);
    expect(block.sizeBytes % PAGE).toBe(0);
    end += BigInt(block.sizeBytes);
  }
  expect(end).toBeGreaterThanOrEqual(region.size);
}

describe('blocks', () => {
  test('are carved from the reserved buffer, page by page, where they fit', () => {
    const [a, b] = [ram(1), ram(PAGE + 1)];
    expect(store.blocksOf(a)).toEqual([{ offsetInRegion: 0n, sizeBytes: PAGE, buffer: 0, byte: 0 }]);
    expect(store.blocksOf(b)).toEqual([{ offsetInRegion: 0n, sizeBytes: 2 * PAGE, buffer: 0, byte: PAGE }]);
    expect(store.blocksOf(a)).toBe(store.blocksOf(a));
    expect(posted).toEqual([]);
  });

  test('get a buffer of their own where they do not fit, posted before anybody can need it', () => {
    const [big, small] = [ram(RESERVE + 1), ram(PAGE)];
    const [block] = store.blocksOf(big);
    expect(block).toMatchObject({ buffer: 1, byte: 0, sizeBytes: RESERVE + PAGE });
    expect(posted).toMatchObject([{ kind: 'ram', buffer: 1 }]);
    expect(store.blocksOf(small)[0]).toMatchObject({ buffer: 0 });
    expect(store.reservedBytes).toBe(2 * RESERVE + PAGE);
  });

  test('over 4 GiB are several; their pages are not touched', () => {
    const huge = ram(9 * GIB);
    const blocks = store.blocksOf(huge);
    expect(blocks.map(({ sizeBytes }) => sizeBytes)).toEqual([4 * GIB, 4 * GIB, GIB]);
    expect(blocks[0]!.sizeBytes).toBe(RAM_BUFFER_BYTES_MAX);
    expectWhole(huge, blocks);
    store.eachPiece(huge, BigInt(4 * GIB) - 2n, 4, (bytes, done) => {
      expect(bytes.length).toBe(2);
      bytes.fill(done + 1);
    });
    const seen: number[] = [];
    store.eachPiece(huge, BigInt(4 * GIB) - 3n, 6, (bytes) => seen.push(...bytes));
    expect(seen).toEqual([0, 1, 1, 3, 3, 0]);
    store.detach(huge)();
    expect(posted.filter(({ kind }) => kind === 'drop-ram')).toHaveLength(3);
    expect(store.reservedBytes).toBe(RESERVE);
  });

  test('are added when the region has grown; what was there stays in its place', () => {
    const region = ram(PAGE);
    store.eachPiece(region, 0n, 1, (bytes) => bytes.set([42]));
    const before = [...store.blocksOf(region)];
    store.blocksOf(ram(PAGE)); // takes the page behind it
    region.setSize(3 * PAGE);
    const after = store.blocksOf(region);
    expect(after.slice(0, 1)).toEqual(before);
    expect(after).toHaveLength(2);
    expectWhole(region, after);
    store.eachPiece(region, 0n, 3 * PAGE, (bytes, done) => expect(bytes[0]).toBe(done === 0 ? 42 : 0));
    region.setSize(10);
    region.setSize(3 * PAGE);
    expect(store.blocksOf(region)).toHaveLength(2);
  });

  test('a region without bytes has none', () => expect(store.blocksOf(ram(0))).toEqual([]));
});

describe('release', () => {
  test('gives the bytes back as zeros, and joins what is free', () => {
    const regions = [ram(PAGE), ram(PAGE), ram(2 * PAGE), ram(12 * PAGE)];
    for (const region of regions) {
      store.eachPiece(region, 0n, Number(region.size), (bytes) => bytes.fill(0xff));
    }
    for (const index of [1, 3, 0, 2]) store.detach(regions[index]!)();
    const whole = ram(RESERVE);
    expect(store.blocksOf(whole)).toMatchObject([{ buffer: 0, byte: 0, sizeBytes: RESERVE }]);
    store.eachPiece(whole, 0n, RESERVE, (bytes) => expect(bytes.every((byte) => byte === 0)).toBe(true));
  });

  test('of a region that never had bytes does nothing', () => {
    store.detach(ram(PAGE))();
    expect(store.blocksOf(ram(RESERVE))[0]).toMatchObject({ buffer: 0 });
  });

  test('in any order: live blocks never overlap, and all that is free can be used again', () => {
    const action = fc.record({ pages: fc.integer({ min: 0, max: 6 }), which: fc.nat() });
    fc.assert(
      fc.property(fc.array(action, { maxLength: 60 }), (history) => {
        const own = new RamStore(
          RESERVE,
          () => {},
          (free) => free(),
        );
        const live: MemoryRegion[] = [];
        for (const { pages, which } of history) {
          if (pages > 0) live.push(ram(pages * PAGE));
          else if (live.length > 0) own.detach(live.splice(which % live.length, 1)[0]!)();
          const blocks = live.flatMap((region) => own.blocksOf(region)).filter(({ buffer }) => buffer === 0);
          blocks.sort((a, b) => a.byte - b.byte);
          blocks.forEach((block, i) => {
            expect(block.byte + block.sizeBytes).toBeLessThanOrEqual(blocks[i + 1]?.byte ?? RESERVE);
          });
        }
        for (const region of live) own.detach(region)();
        expect(own.blocksOf(ram(RESERVE))[0]).toMatchObject({ buffer: 0, byte: 0 });
      }),
    );
  });
});

describe('refuses', () => {
  test.each([
    ['a container', MemoryRegion.container('c', PAGE)],
    ['an I/O region', MemoryRegion.io('i', PAGE, null)],
  ])('%s: it has no bytes', (_what, region) => {
    expect(codeOf(() => store.blocksOf(region))).toBe('NOT_RAM');
  });
  test('RAM that nobody can have', () => {
    expect(codeOf(() => store.blocksOf(ram(2n ** 38n + 1n)))).toBe('RAM_EXHAUSTED');
  });
  test('RAM that the system does not give, and names the cause', () => {
    const original = globalThis.SharedArrayBuffer;
    const region = ram(RESERVE + 1);
    globalThis.SharedArrayBuffer = class {
      constructor() {
        throw new RangeError('Array buffer allocation failed');
      }
    } as unknown as typeof SharedArrayBuffer;
    try {
      expect(codeOf(() => store.blocksOf(region))).toBe('RAM_EXHAUSTED');
    } finally {
      globalThis.SharedArrayBuffer = original;
    }
    expect(posted).toEqual([]);
    expectWhole(region, store.blocksOf(region)); // the next try is not hindered by the last
  });
  test.each([
    ['before its start', -1n, 1],
    ['past its end', BigInt(PAGE) - 1n, 2],
  ])('bytes of a region %s', (_what, offset, size) => {
    expect(codeOf(() => store.eachPiece(ram(PAGE), offset, size, () => {}))).toBe('INVALID_ARGUMENT');
  });
});
