/** The cached accessor, holds on views, and sections as a reader's thread sees them. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { MEMTX_DECODE_ERROR, MEMTX_OK } from '../../src/base/mem-tx-result.ts';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import type { MemoryRegionCache } from '../../src/vcpu/memory-region-cache.ts';
import { BenchMachine, registers } from '../support/bench-machine.ts';
import { codeOf } from '../support/code-of.ts';

let machine: BenchMachine;
beforeEach(() => {
  machine = new BenchMachine();
});
afterEach(() => machine.close());

const PAGE = 0x1000;
const ram = (name = 'ram', size = 2 * PAGE) => MemoryRegion.ram(name, size);

function show(...children: [number | bigint, MemoryRegion][]) {
  const root = MemoryRegion.container('root', 2n ** 64n);
  for (const [offset, child] of children) root.addSubregion(offset, child);
  return { root, ...machine.show('memory', root) };
}

describe('a cache', () => {
  const everywhere: [string, () => MemoryRegion][] = [
    ['memory', () => ram()],
    ['a device', () => MemoryRegion.io('dev', 2 * PAGE, registers(2 * PAGE).device)],
  ];
  test.each(everywhere)(
    'of %s loads and stores by offset, in every width, order and alignment',
    (_what, make) => {
      const { port } = show([0x10_0000, make()]);
      for (let shift = 0; shift < 8; shift += 1) {
        const cache = port.cache(0x10_0100 + shift, 64, true);
        const at = 0x10_0100 + shift + 8;
        cache.store64(8, 0x01020304, 0x85060788 | 0);
        expect(port.readBig(at)).toBe(0x01020304_85060788n);
        expect([cache.load64(8), cache.high]).toEqual([0x85060788 | 0, 0x01020304]);
        expect([cache.load32(8), cache.load16(8), cache.load8(8)]).toEqual([0x85060788 | 0, 0x0788, 0x88]);
        expect([cache.load32be(8), cache.load16be(8)]).toEqual([0x88070685 | 0, 0x8807]);
        expect([cache.load64be(8), cache.high]).toEqual([0x04030201, 0x88070685 | 0]);
        cache.store64be(8, 0x01020304, 0x85060788 | 0);
        expect(port.readBig(at)).toBe(0x88070685_04030201n);
        cache.store32be(8, 0x11223344);
        cache.store16be(12, 0x5566);
        cache.store8(14, 0x177);
        expect(port.readBig(at)).toBe(0x88776655_44332211n);
        cache.store32(8, -1);
        cache.store16(12, -2);
        expect(port.readBig(at)).toBe(0x8877fffe_ffffffffn);
        expect(cache.result).toBe(MEMTX_OK);
        cache.destroy();
      }
    },
  );

  test('refuses a value that is no number, and stores nothing of it', () => {
    const { port } = show([0, ram()]);
    const cache = port.cache(0, 64, true);
    const wrong = 1n as unknown as number;
    const stores = [
      () => cache.store8(0, wrong),
      () => cache.store16(0, wrong),
      () => cache.store32be(0, wrong),
      () => cache.store64(0, wrong, 7),
      () => cache.store64be(0, 7, wrong),
    ];
    expect(stores.map(codeOf)).toEqual(stores.map(() => 'INVALID_ARGUMENT'));
    expect(port.readBig(0)).toBe(0n);
    cache.destroy();
  });

  test('copies bytes by offset', () => {
    const { port } = show([0, ram()]);
    const cache = port.cache(0x10, 64, true);
    expect(cache.writeBytes(60, Uint8Array.of(1, 2, 3, 4))).toBe(MEMTX_OK);
    const bytes = new Uint8Array(5);
    expect(cache.readBytes(59, bytes)).toBe(MEMTX_OK);
    expect([...bytes]).toEqual([0, 1, 2, 3, 4]);
    cache.invalidate(60, 4);
  });

  test('spans what it can: memory as far as its bytes go on, else the section or the hole', () => {
    const dev = MemoryRegion.io('dev', 0x100, registers(0x100).device);
    const { port } = show([0, ram()], [2 * PAGE, dev]);
    const lengthAt = (address: number) => {
      const cache = port.cache(address, 0x10000, false);
      const { length } = cache;
      cache.destroy();
      return length;
    };
    expect([0x10, 2 * PAGE + 0x10, 2 * PAGE + 0x100].map(lengthAt)).toEqual([2 * PAGE - 0x10, 0xf0, 0x10000]);
  });

  test('of a hole reads zeros, and of ROM drops stores: both say so', () => {
    const rom = MemoryRegion.rom('rom', PAGE);
    const { port } = show([0, rom]);
    const hole = port.cache(PAGE, 16, true);
    expect([hole.load32(0), hole.result]).toEqual([0, MEMTX_DECODE_ERROR]);
    const cache = port.cache(0, 16, true);
    cache.store32(0, 5);
    expect([cache.result, cache.load32(0), cache.result]).toEqual([MEMTX_DECODE_ERROR, 0, MEMTX_OK]);
  });

  test('shows the layout in which it was made, over a thousand others', () => {
    const one = ram('one');
    const { root, port } = show([0, one]);
    machine.checkpoint();
    const cache = port.cache(0, 16, true);
    cache.store32(0, 111);
    root.delSubregion(one);
    const two = ram('two');
    root.addSubregion(0, two);
    for (let i = 0; i < 1000; i += 1) {
      two.setAddress((i % 7) * 2 * PAGE);
      machine.checkpoint();
      machine.grace.poll();
      expect(cache.load32(0)).toBe(111);
    }
    two.setAddress(0);
    machine.checkpoint();
    port.write(0, 4, 222);
    expect(cache.load32(0)).toBe(111);
    cache.destroy();
    expect(port.cache(0, 16, false).load32(0)).toBe(222);
  });

  test('of a device goes on reaching that device, though it is no longer mapped', () => {
    const { device, callbacks } = registers(0x100);
    const dev = MemoryRegion.io('dev', 0x100, device);
    const { root, port } = show([0, dev]);
    machine.checkpoint();
    const cache = port.cache(0x10, 16, true);
    root.delSubregion(dev);
    machine.checkpoint();
    machine.grace.poll();
    cache.store16(2, 0x1234);
    expect([callbacks.bytes[0x12], callbacks.bytes[0x13]]).toEqual([0x34, 0x12]);
    expect(port.read(0x12, 2)).toBe(0);
  });

  test.each<[string, (cache: MemoryRegionCache) => unknown, string]>([
    ['past its end', (cache) => cache.load32(13), 'INVALID_ARGUMENT'],
    ['before its start', (cache) => cache.load8(-1), 'INVALID_ARGUMENT'],
    ['between bytes', (cache) => cache.load8(0.5), 'INVALID_ARGUMENT'],
    ['of bytes past its end', (cache) => cache.readBytes(10, new Uint8Array(7)), 'INVALID_ARGUMENT'],
    ['by a store, though made for reads', (cache) => cache.store8(0, 1), 'INVALID_ARGUMENT'],
    ['by invalidate, though made for reads', (cache) => cache.invalidate(0, 1), 'INVALID_ARGUMENT'],
    ['after destroy', (cache) => [cache.destroy(), cache.load8(0)], 'MAPPING_ENDED'],
    ['by a second destroy', (cache) => [cache.destroy(), cache.destroy()], 'MAPPING_ENDED'],
  ])('refuses an access %s', (_what, access, code) => {
    const { port } = show([0, ram()]);
    const cache = port.cache(0, 16, false);
    expect(codeOf(() => access(cache))).toBe(code);
  });
});

describe('a hold on a view', () => {
  test('keeps the layout of one moment: its sections, its bytes', () => {
    const one = ram('one', PAGE);
    const { root, port } = show([0, one], [PAGE, MemoryRegion.rom('rom', PAGE)]);
    machine.publisher.layoutTag = 7;
    one.setAddress(2 * PAGE);
    machine.publisher.layoutTag = 8;
    machine.checkpoint();
    const hold = port.holdView();
    root.delSubregion(one);
    machine.checkpoint();
    machine.grace.poll();
    expect([hold.layoutTag, port.layoutTag]).toEqual([7, 8]);
    expect(hold.writeBytes(2 * PAGE, Uint8Array.of(9))).toBe(MEMTX_OK);
    const byte = new Uint8Array(1);
    expect([hold.readBytes(2 * PAGE, byte), byte[0]]).toEqual([MEMTX_OK, 9]);
    expect(hold.sectionAt(2 * PAGE)?.regionId).toBe(one.id);
    expect(port.sectionAt(2 * PAGE)).toBeNull();
    hold.release();
    for (const use of [() => hold.release(), () => hold.sectionAt(0), () => hold.readBytes(0, byte)]) {
      expect(codeOf(use)).toBe('MAPPING_ENDED');
    }
  });

  test('counts: the layout goes with the last of them', () => {
    const { root, port } = show([0, ram()]);
    machine.checkpoint();
    const holds = [port.holdView(), port.holdView()];
    root.addSubregion(0x10000, ram('more'));
    machine.checkpoint();
    machine.grace.poll();
    const held = machine.publisher.store.heldBytes;
    expect(held).toBeGreaterThan(0);
    holds[0]!.release();
    machine.publisher.store.poll();
    expect(machine.publisher.store.heldBytes).toBe(held);
    holds[1]!.release();
    machine.publisher.store.poll();
    expect(machine.publisher.store.heldBytes).toBe(0);
  });

  test('of a port that has let go of its layout shows nothing, and can be released', () => {
    const { port } = show([0, ram()]);
    port.forget();
    const hold = port.holdView();
    expect(hold.sectionAt(0)).toBeNull();
    expect(hold.forEachSection(() => true)).toBe(false);
    hold.release();
  });
});

describe('sections', () => {
  test('are copies that say where they are, whose they are and how they answer', () => {
    const bytes = ram();
    const dev = MemoryRegion.io('dev', 0x100, registers(0x100).device);
    const { port } = show([2n ** 64n - 0x1000n, MemoryRegion.alias('top', bytes, PAGE, PAGE)], [0x40, dev]);
    expect(port.sectionAt(2n ** 64n - 1n)).toEqual({
      start: 2n ** 64n - 0x1000n,
      size: 0x1000n,
      regionId: bytes.id,
      offsetWithinRegion: 0x1000n,
      isReadonly: false,
      readsDirectly: true,
      writesDirectly: true,
      hasDevice: false,
    });
    expect(port.sectionAt(0x41)).toMatchObject({
      start: 0x40n,
      size: 0x100n,
      regionId: dev.id,
      hasDevice: true,
    });
    expect(port.sectionAt(0x3f)).toBeNull();
  });

  test('are visited by ascending address, until the visitor has seen enough', () => {
    const regions = [ram('a', PAGE), ram('b', PAGE), ram('c', PAGE)];
    const { port } = show([2 * PAGE, regions[2]!], [0, regions[0]!], [PAGE, regions[1]!]);
    const seen: number[] = [];
    expect(port.forEachSection(({ regionId }) => void seen.push(regionId))).toBe(false);
    expect(seen).toEqual(regions.map(({ id }) => id));
    seen.length = 0;
    const stopped = port.forEachSection(({ regionId }) => {
      seen.push(regionId);
      return seen.length === 2;
    });
    expect([stopped, seen.length]).toEqual([true, 2]);
  });

  test('are those of one layout, though the visitor publishes another', () => {
    const more = ram('more', PAGE);
    const { root, port } = show([0, ram('a', PAGE)], [PAGE, ram('b', PAGE)]);
    const starts: bigint[] = [];
    port.forEachSection(({ start }) => {
      starts.push(start);
      if (!more.isMapped) root.addSubregion(2 * PAGE, more);
      machine.checkpoint();
      machine.grace.poll();
    });
    expect(starts).toEqual([0n, 0x1000n]);
  });
});
