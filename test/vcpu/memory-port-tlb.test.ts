/** The port's TLB: what it remembers must never be seen, only felt. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { MEMTXATTRS_MEMORY, MEMTXATTRS_UNSPECIFIED } from '../../src/base/mem-tx-attrs.ts';
import { MEMTX_ACCESS_ERROR, MEMTX_DECODE_ERROR, MEMTX_OK } from '../../src/base/mem-tx-result.ts';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import type { MemoryPort } from '../../src/vcpu/memory-port.ts';
import { createTlb, tlbEntry } from '../../src/vcpu/tlb.ts';
import { BenchMachine, registers } from '../support/bench-machine.ts';

const PAGE = 0x1000;
const ENTRY_COUNT = new Set(Array.from({ length: createTlb().length }, (_, page) => tlbEntry(0, page * PAGE)))
  .size;
const TLB_REACH = ENTRY_COUNT * PAGE;

let machine: BenchMachine;
beforeEach(() => {
  machine = new BenchMachine({ ramBytes: 2 ** 26 });
});
afterEach(() => machine.close());

function show(...children: [number | bigint, MemoryRegion][]): MemoryPort {
  const root = MemoryRegion.container('root', 2n ** 64n);
  for (const [offset, child] of children) root.addSubregion(offset, child);
  return machine.show('memory', root).port;
}

/** Pages that all fall on the TLB entry of address 0: in the lower and in the upper half. */
function pagesOnOneEntry(): [number, number][] {
  const pages: [number, number][] = [0, 1, 2, 3].map((turn) => [0, turn * TLB_REACH]);
  for (const hi of [1, 2, 0x100, 0x7fff_ffff, -1]) {
    let lo = 0;
    while (tlbEntry(hi, lo) !== tlbEntry(0, 0)) lo += PAGE;
    pages.push([hi, lo]);
  }
  for (const [hi, lo] of pages) expect(tlbEntry(hi, lo)).toBe(tlbEntry(0, 0));
  return pages;
}

const addressOf = ([hi, lo]: [number, number]): bigint => (BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0);

test('an address is looked up in the map once a page, until the page is forgotten', () => {
  const ram = MemoryRegion.ram('ram', 4 * PAGE);
  const port = show([0, ram]);
  expect(port.walks).toBe(0);
  for (let turn = 0; turn < 100; turn += 1) port.load32(0, 4 * turn);
  expect(port.walks).toBe(1);
  port.store32(0, PAGE, 1);
  expect(port.walks).toBe(2);
  port.disarm();
  port.load32(0, 0);
  expect(port.walks).toBe(3);
});

describe('pages that share an entry', () => {
  test('push each other out and are never taken for each other', () => {
    const pages = pagesOnOneEntry();
    const port = show(
      ...pages.map((page, i): [bigint, MemoryRegion] => [addressOf(page), MemoryRegion.ram(`p${i}`, PAGE)]),
    );
    for (const [i, [hi, lo]] of pages.entries()) port.store32(hi, lo + 8, 1000 + i);
    for (let round = 0; round < 3; round += 1) {
      pages.forEach(([hi, lo], i) => {
        expect(port.load32(hi, lo + 8)).toBe(1000 + i);
        expect(port.atomicAdd32(hi, lo + 8, 0)).toBe(1000 + i);
        expect(port.result).toBe(MEMTX_OK);
      });
    }
  });

  test('also if one is RAM, one a device, one ROM, one in another buffer and one a hole', () => {
    const [a, b, c, d] = pagesOnOneEntry() as [number, number][] & { length: 9 };
    const { callbacks, device } = registers(PAGE);
    const rom = MemoryRegion.rom('rom', PAGE);
    const elsewhere = MemoryRegion.ram('elsewhere', 2 ** 26 + PAGE); // does not fit the large buffer
    const port = show(
      [addressOf(a!), MemoryRegion.ram('ram', PAGE)],
      [addressOf(b!), MemoryRegion.io('io', PAGE, device)],
      [addressOf(c!), rom],
      [2n ** 40n, elsewhere],
    );
    machine.ram.eachPiece(rom, 0n, 4, (bytes) => bytes.set([1, 2, 3, 4]));
    const hole = d!;
    for (let round = 0; round < 3; round += 1) {
      port.store32(0, a![1], 0xa0 + round);
      port.store32(0, b![1], 0xb0 + round);
      port.store32(0, c![1], 0xc0 + round);
      port.store32(0x100, 0, 0xd0 + round);
      port.store32(0, hole[1], 0xe0 + round);
      expect(port.result).toBe(MEMTX_DECODE_ERROR);
      expect(port.load32(0, a![1])).toBe(0xa0 + round);
      expect(port.load32(0, b![1])).toBe(0xb0 + round);
      expect(callbacks.bytes[0]).toBe(0xb0 + round);
      expect(port.load32(0, c![1])).toBe(0x04030201);
      expect(port.load32(0x100, 0)).toBe(0xd0 + round);
      expect(port.load32(0, hole[1])).toBe(0);
      expect(port.result).toBe(MEMTX_DECODE_ERROR);
    }
  });
});

describe('subpages', () => {
  test('a page of several sections is never remembered as one of them', () => {
    const { callbacks, device } = registers(4);
    const port = show(
      [0, MemoryRegion.ram('low', 0x7fe)],
      [0x7fe, MemoryRegion.io('io', 4, device)],
      [0x802, MemoryRegion.ram('high', PAGE)],
    );
    for (let round = 0; round < 2; round += 1) {
      port.store16(0, 0x7fc, 0x1111);
      port.store16(0, 0x7fe, 0x2222);
      port.store16(0, 0x800, 0x3333);
      port.store16(0, 0x802, 0x4444);
      expect([...callbacks.bytes]).toEqual([0x22, 0x22, 0x33, 0x33]);
      // The piece at 0x800 is aligned there, but not within the device, which refuses it.
      expect(port.readBig(0x7fc)).toBe(0x2222_1111n);
      expect(port.result).toBe(MEMTX_DECODE_ERROR);
    }
  });

  test('the page before a border is remembered, the page with it is not', () => {
    const port = show([0, MemoryRegion.ram('ram', PAGE + 4)]);
    port.store32(0, PAGE - 4, 7);
    port.store32(0, PAGE, 8);
    expect(port.readBig(PAGE - 4)).toBe(0x8_0000_0007n);
    expect(port.load32(0, PAGE + 4)).toBe(0);
    expect(port.result).toBe(MEMTX_DECODE_ERROR);
  });

  test('RAM shown shifted by a byte is aligned for nobody, and still right', () => {
    const ram = MemoryRegion.ram('ram', 4 * PAGE);
    const port = show([0, ram], [0x10000, MemoryRegion.alias('shifted', ram, 1, 3 * PAGE)]);
    for (const lo of [0, 4, PAGE - 4, PAGE]) {
      port.store32(0, 0x10000 + lo, 0x01020304 + lo);
      expect(port.load32(0, 0x10000 + lo)).toBe(0x01020304 + lo);
      expect(port.load32(0, lo + 1)).toBe(0x01020304 + lo);
    }
  });
});

describe('an address in a page of several sections', () => {
  /** A row of devices of these sizes from port 0x3f8 on, each reading as its number in every byte. */
  function ports(...sizes: number[]) {
    const root = MemoryRegion.container('io', 0x1_0000);
    let at = 0x3f8;
    const devices = sizes.map((size, i) => {
      const { callbacks, device } = registers(size);
      callbacks.bytes.fill(i + 1);
      const region = MemoryRegion.io(`port ${i}`, size, device);
      root.addSubregion(at, region);
      at += size;
      return { callbacks, region };
    });
    return { root, devices, port: machine.show('io', root).port };
  }

  test('answers by its own device each time, whatever the width', () => {
    const { port, devices } = ports(1, 1, 2, 4);
    for (let round = 0; round < 3; round += 1) {
      expect([0x3f8, 0x3f9, 0x3fa, 0x3fb].map((at) => port.load8(0, at))).toEqual([1, 2, 3, 3]);
      expect([port.load16(0, 0x3fa), port.load32(0, 0x3fc)]).toEqual([0x0303, 0x0404_0404]);
      port.store8(0, 0x3f9, 0x2ff); // the low byte
      port.store16(0, 0x3fe, 0x1_0404);
      expect([...devices[1]!.callbacks.bytes, ...devices[3]!.callbacks.bytes]).toEqual([0xff, 4, 4, 4, 4]);
      port.store8(0, 0x3f9, 2);
      expect(port.result).toBe(MEMTX_OK);
    }
  });

  test('gives what crosses a border to the device at its first byte, and in pieces if it is not aligned', () => {
    const { port } = ports(1, 1, 2, 4);
    for (let round = 0; round < 3; round += 1) {
      port.load8(0, 0x3f9);
      expect(port.load8(0, 0x3fa)).toBe(3);
      expect(port.load16(0, 0x3f9)).toBe(0x0302); // in two pieces
      expect(port.readBig(0x3f8) & 0xffn).toBe(1n); // one access to the first device
    }
  });

  test('stays what it is when another that shares its entry is met', () => {
    const { port } = ports(1, 1, 2, 4);
    const meets = 0x3f8 ^ 0x101; // the same entry by the low bytes' XOR
    for (let round = 0; round < 3; round += 1) {
      expect(port.load8(0, 0x3f8)).toBe(1);
      expect([port.load8(0, meets), port.result]).toEqual([0, MEMTX_DECODE_ERROR]);
      expect([port.load8(1, 0x3f8), port.result]).toEqual([0, MEMTX_DECODE_ERROR]);
    }
  });

  test('is forgotten with the layout: device, hole and RAM in turn', () => {
    const { port, root, devices } = ports(1, 1);
    const [first, second] = devices as [(typeof devices)[0], (typeof devices)[0]];
    const piece = MemoryRegion.ram('piece', 16);
    for (let round = 0; round < 3; round += 1) {
      expect([port.load8(0, 0x3f8), port.load8(0, 0x3f9)]).toEqual([1, 2]);
      first.region.setEnabled(false);
      machine.checkpoint();
      expect([port.load8(0, 0x3f8), port.result]).toEqual([0, MEMTX_DECODE_ERROR]);
      expect([port.load8(0, 0x3f8), port.load8(0, 0x3f9)]).toEqual([0, 2]);
      root.addSubregionOverlap(0x3f0, piece, 1);
      machine.checkpoint();
      port.store8(0, 0x3f9, 0x77);
      expect([port.load8(0, 0x3f9), second.callbacks.bytes[0]]).toEqual([0x77, 2]);
      root.delSubregion(piece);
      first.region.setEnabled(true);
      machine.checkpoint();
    }
  });

  test('is forgotten while nothing is mapped', () => {
    const { port } = ports(1, 1);
    expect(port.load8(0, 0x3f8)).toBe(1);
    port.forget();
    expect([port.load8(0, 0x3f8), port.result]).toEqual([0, MEMTX_DECODE_ERROR]);
    port.refresh();
    expect([port.load8(0, 0x3f8), port.result]).toEqual([1, MEMTX_OK]);
  });

  test('is barred as soon as the attributes allow memory only', () => {
    const { port } = ports(1, 1);
    for (let round = 0; round < 2; round += 1) {
      port.attrs = MEMTXATTRS_UNSPECIFIED;
      expect([port.load8(0, 0x3f9), port.result]).toEqual([2, MEMTX_OK]);
      port.attrs = MEMTXATTRS_MEMORY;
      expect([port.load8(0, 0x3f9), port.result]).toEqual([0, MEMTX_ACCESS_ERROR]);
      port.store8(0, 0x3f9, 9);
      expect(port.result).toBe(MEMTX_ACCESS_ERROR);
    }
  });
});

describe('many pages', () => {
  test('more than the TLB has entries: each keeps its bytes', () => {
    const count = 3 * ENTRY_COUNT + 17;
    const port = show([0x10000, MemoryRegion.ram('ram', count * PAGE)]);
    for (let page = 0; page < count; page += 1) port.store16(0, 0x10000 + page * PAGE + 2, page);
    for (let page = count - 1; page >= 0; page -= 1) {
      if (port.load16(0, 0x10000 + page * PAGE + 2) !== (page & 0xffff)) expect(page).toBe('right');
    }
  });
});

describe('another layout', () => {
  test('leaves no page of the one before: RAM moved, made ROM, covered by a device', () => {
    const ram = MemoryRegion.ram('ram', 4 * PAGE);
    const { callbacks, device } = registers(PAGE);
    const cover = MemoryRegion.io('cover', PAGE, device);
    const root = MemoryRegion.container('root', 2n ** 64n);
    root.addSubregion(0, ram);
    const { port } = machine.show('memory', root);
    for (let page = 0; page < 4; page += 1) port.store32(0, page * PAGE, page + 1);
    ram.setReadonly(true);
    machine.checkpoint();
    port.store32(0, 0, 99);
    expect(port.load32(0, 0)).toBe(1);
    ram.setReadonly(false);
    root.addSubregionOverlap(PAGE, cover, 1);
    machine.checkpoint();
    port.store32(0, 0, 100);
    port.store32(0, PAGE, 55);
    expect([port.load32(0, 0), callbacks.bytes[0], port.load32(0, 2 * PAGE)]).toEqual([100, 55, 3]);
    ram.setAddress(PAGE);
    machine.checkpoint();
    expect(port.load32(0, 0)).toBe(0);
    expect(port.result).toBe(MEMTX_DECODE_ERROR);
    expect([port.load32(0, PAGE), port.load32(0, 2 * PAGE)]).toEqual([55, 2]);
  });

  test('without a change for this address space keeps its TLB: refresh() is then no more than a load', () => {
    const other = MemoryRegion.ram('other', PAGE);
    const port = show([0, MemoryRegion.ram('ram', PAGE)]);
    const elsewhere = machine.show('elsewhere', other);
    port.store32(0, 0, 5);
    other.setSize(2 * PAGE);
    machine.checkpoint();
    expect(port.load32(0, 0)).toBe(5);
    expect(elsewhere.port.load32(0, PAGE)).toBe(0);
    expect(elsewhere.port.result).toBe(MEMTX_OK);
  });
});
