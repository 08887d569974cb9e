import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DIRTY_CLIENT_CODE, DIRTY_CLIENT_MIGRATION, DIRTY_CLIENT_VGA } from '../../src/base/dirty-log.ts';
import { MEMTXATTRS_DEBUG } from '../../src/base/mem-tx-attrs.ts';
import { WORD_DIRTY_EPOCH } from '../../src/layout/control-block.ts';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import type { MemoryPort } from '../../src/vcpu/memory-port.ts';
import { BenchMachine } from '../support/bench-machine.ts';
import { operationsOf } from '../support/stepped-atomics.ts';

const PAGE = 0x1000;
const PAGES = 16;
const CLIENTS = [DIRTY_CLIENT_VGA, DIRTY_CLIENT_CODE, DIRTY_CLIENT_MIGRATION] as const;

let machine: BenchMachine;
let root: MemoryRegion;
beforeEach(() => {
  machine = new BenchMachine();
  root = MemoryRegion.container('root', 2n ** 64n);
});
afterEach(() => machine.close());

function shown(region: MemoryRegion, address = 0): MemoryPort {
  root.addSubregion(address, region);
  region.dirtyLog.setLog(true, DIRTY_CLIENT_VGA);
  const { port } = machine.show('memory', root);
  return port;
}

/** Pages of `region` that were dirty for `client`; from now on they are clean, and stores look again. */
function taken(region: MemoryRegion, client: number = DIRTY_CLIENT_VGA): number[] {
  const ranges = [...machine.dirty.take(region, 0n, Number(region.size), client)];
  Atomics.add(machine.control, WORD_DIRTY_EPOCH, 1);
  machine.session.rearm();
  return ranges.flatMap(({ offset, size }) =>
    Array.from({ length: Math.ceil(size / PAGE) }, (_, index) => Math.floor(offset / PAGE) + index),
  );
}

const ram = (): MemoryRegion => MemoryRegion.ram('ram', PAGES * PAGE);
const bytes = (count: number): Uint8Array => new Uint8Array(count).fill(7);

describe('what marks which pages', () => {
  test.each<[string, (port: MemoryPort) => unknown, number[]]>([
    ['a store of a byte', (port) => port.store8(0, 0x1fff, 1), [1]],
    ['a store of 16 bits', (port) => port.store16(0, 0x2000, 1), [2]],
    ['a store of 32 bits', (port) => port.store32(0, 0x3ffc, 1), [3]],
    ['a store of 64 bits', (port) => port.store64(0, 0x4ff8, 1, 1), [4]],
    ['a store that straddles two pages', (port) => port.store32(0, 0x1ffe, -1), [1, 2]],
    ['a long one that does', (port) => port.store64(0, 0x2fff, 1, 1), [2, 3]],
    ['an atomic operation', (port) => port.atomicAdd32(0, 0x5000, 1), [5]],
    ['an atomic operation of 64 bits', (port) => port.atomicSwap64(0, 0x5008, 1n), [5]],
    ['a bulk write', (port) => port.writeBytes(0x1ffc, bytes(0x2008)), [1, 2, 3, 4]],
    ['a fill', (port) => port.fill(0x6ff0, 1, 0x20), [6, 7]],
    ["a loader's write", (port) => port.writeRom(0x8000, bytes(4)), [8]],
    ['nothing: a load', (port) => port.load32(0, 0x3000), []],
    ['nothing: a bulk read', (port) => port.readBytes(0, bytes(0x3000)), []],
    ['nothing: an empty write', (port) => port.writeBytes(0x1000, bytes(0)), []],
    ['nothing: an atomic operation that is refused', (port) => port.atomicAdd32(0, 0x5002, 1), []],
  ])('%s', (_what, write, pages) => {
    const region = ram();
    const port = shown(region);
    port.load32(0, 0x1000); // the page is in the TLB, not armed
    expect(taken(region)).toHaveLength(PAGES);
    for (const client of CLIENTS) taken(region, client);
    write(port);
    for (const client of CLIENTS) expect(taken(region, client), `client ${client}`).toEqual(pages);
  });

  test('a debugger that writes read-only memory', () => {
    const rom = MemoryRegion.rom('rom', PAGE);
    const port = shown(rom);
    taken(rom);
    port.store32(0, 0, 1);
    expect(taken(rom)).toEqual([]);
    port.attrs = MEMTXATTRS_DEBUG;
    port.store32(0, 0, 1);
    expect(taken(rom)).toEqual([0]);
  });

  test('in a buffer of its own', () => {
    const region = MemoryRegion.ram('large', 2 ** 25);
    const port = shown(region);
    taken(region);
    port.store32(0, 0x5000, 1);
    port.atomicAdd32(0, 0x7000, 1);
    expect(taken(region)).toEqual([5, 7]);
  });

  test("over a caller's buffer, whose pages lie across the region's", () => {
    const region = MemoryRegion.ramOver('own', new SharedArrayBuffer(3 * PAGE), {
      byteOffset: 8,
      sizeBytes: 2 * PAGE,
    });
    const port = shown(region);
    machine.dirty.take(region, 0n, 2 * PAGE, DIRTY_CLIENT_VGA);
    port.store32(0, PAGE - 8, 1); // the first byte of the buffer's second page
    expect([...machine.dirty.take(region, 0n, 2 * PAGE, DIRTY_CLIENT_VGA)]).toEqual([
      { offset: PAGE - 8, size: PAGE },
    ]);
  });

  test('through an alias that shifts its pages: both are armed before stores go unseen', () => {
    const region = ram();
    const port = shown(region);
    root.addSubregion(0x10_0000, MemoryRegion.alias('shifted', region, 0x800, 4 * PAGE));
    machine.checkpoint();
    taken(region);
    for (let turn = 0; turn < 3; turn += 1) port.store32(0, 0x10_0000, 1);
    port.store32(0, 0x10_0800, 1);
    expect(taken(region)).toEqual([0, 1]);
  });
});

describe('the fast path', () => {
  test('is armed by the mark: until the next re-arming a store looks at nothing', () => {
    const region = ram();
    const port = shown(region);
    taken(region);
    port.store32(0, 0, 1);
    machine.dirty.take(region, 0n, PAGE, DIRTY_CLIENT_VGA);
    port.store32(0, 4, 1);
    expect(taken(region), 'who clears without re-arming misses stores').toEqual([]);
    port.store32(0, 8, 1);
    expect(taken(region)).toEqual([0]);
  });

  test('where nobody logs, no store looks at a bit, and none is set', () => {
    const region = ram();
    root.addSubregion(0, region);
    const { port } = machine.show('memory', root);
    taken(region);
    const bits = new Int32Array(machine.ram.shared.dirty);
    const looks = (body: () => void): string[] => operationsOf(bits, String, body);
    expect(looks(() => taken(region))).not.toEqual([]);
    const operations = looks(() => {
      port.store32(0, 0, 1);
      port.store32(0, 2, 1);
      port.atomicAdd32(0, 0, 1);
      port.writeBytes(0, bytes(0x3000));
    });
    expect(operations).toEqual([]);
    expect(taken(region)).toEqual([]);
  });

  test('of a page that only others log is armed as soon as those know', () => {
    const region = ram();
    const port = shown(region);
    taken(region, DIRTY_CLIENT_MIGRATION);
    port.store32(0, 0, 1);
    expect(taken(region, DIRTY_CLIENT_MIGRATION)).toEqual([]);
  });
});

describe('who begins to log', () => {
  test('finds all pages dirty, and others find none more', () => {
    const region = ram();
    const port = shown(region);
    for (const client of CLIENTS) taken(region, client);
    region.dirtyLog.setLogsCode(true);
    expect(taken(region, DIRTY_CLIENT_VGA)).toEqual([]);
    expect(taken(region, DIRTY_CLIENT_CODE)).toHaveLength(PAGES);
    port.store32(0, 0, 1);
    machine.checkpoint();
    expect(taken(region, DIRTY_CLIENT_VGA)).toEqual([0]);
    region.dirtyLog.setLog(false, DIRTY_CLIENT_VGA);
    machine.checkpoint();
    region.dirtyLog.setLog(true, DIRTY_CLIENT_VGA);
    expect(taken(region, DIRTY_CLIENT_VGA)).toHaveLength(PAGES);
    expect(taken(region, DIRTY_CLIENT_CODE)).toEqual([0]);
  });

  test('so he finds what was stored by a layout that did not mark', () => {
    const region = ram();
    root.addSubregion(0, region);
    const { port } = machine.show('memory', root);
    taken(region);
    port.store32(0, 0, 1);
    region.dirtyLog.setLog(true, DIRTY_CLIENT_VGA);
    port.store32(0, PAGE, 1); // by the layout before: the reader passed no checkpoint
    expect(taken(region)).toContain(1);
    machine.checkpoint();
    port.store32(0, 2 * PAGE, 1);
    expect(taken(region)).toEqual([2]);
  });

  test('finds all of a region dirty again that has another size', () => {
    const region = ram();
    shown(region);
    taken(region);
    region.setSize((PAGES + 2) * PAGE);
    expect(taken(region)).toHaveLength(PAGES + 2);
    region.setSize(2 * PAGE);
    expect(taken(region)).toEqual([0, 1]);
  });

  test('finds a block dirty that belonged to another region', () => {
    const region = ram();
    const port = shown(region);
    taken(region);
    root.delSubregion(region);
    machine.checkpoint();
    machine.ram.detach(region)();
    const next = MemoryRegion.ram('next', PAGE);
    expect(machine.dirty.isDirty(next, 0n, PAGE, DIRTY_CLIENT_VGA)).toBe(true);
    expect(port.result).toBe(0);
  });
});

test('what snapshots find is the literal set of pages that were written since', () => {
  const offset = fc.nat(PAGES * PAGE - 9);
  const action = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ kind: fc.constant('store'), offset, size: fc.constantFrom(1, 2, 4, 8) }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constant('bulk'), offset, size: fc.integer({ min: 1, max: 9000 }) }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('atomic'), offset, size: fc.constant(4) }) },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('control'), offset, size: fc.integer({ min: 1, max: 9 }) }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constant('take'), offset, size: fc.integer({ min: 1, max: 20000 }) }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('publish'), offset, size: fc.constant(0) }) },
  );
  fc.assert(
    fc.property(fc.array(action, { minLength: 1, maxLength: 60 }), (actions) => {
      const own = new BenchMachine();
      try {
        const region = ram();
        const space = MemoryRegion.container('root', 2n ** 64n);
        space.addSubregion(0, region);
        region.dirtyLog.setLog(true, DIRTY_CLIENT_VGA);
        const { port } = own.show('memory', space);
        const dirty = new Set(Array.from({ length: PAGES }, (_, page) => page));
        for (const { kind, offset: at, size: wanted } of actions) {
          const from = kind === 'atomic' ? at & ~3 : at;
          const size = Math.min(wanted, PAGES * PAGE - from);
          const first = Math.floor(from / PAGE);
          const last = Math.floor((from + size - 1) / PAGE);
          if (kind === 'store') storeOf(port, from, size);
          else if (kind === 'bulk') port.writeBytes(from, bytes(size));
          else if (kind === 'atomic') port.atomicAdd32(0, from, 1);
          else if (kind === 'control') own.dirty.write(region, BigInt(from), bytes(size));
          else if (kind === 'take') {
            const found = own.dirty.take(region, BigInt(from), size, DIRTY_CLIENT_VGA);
            Atomics.add(own.control, WORD_DIRTY_EPOCH, 1);
            own.session.rearm();
            for (let page = first; page <= last; page += 1) {
              expect(found.isDirty(page * PAGE, PAGE), `page ${page}`).toBe(dirty.has(page));
              dirty.delete(page);
            }
            continue;
          } else {
            region.dirtyLog.setLogsCode(!region.dirtyLog.logsCode); // another view of the same
            own.checkpoint();
            continue;
          }
          for (let page = first; page <= last; page += 1) dirty.add(page);
        }
        for (let page = 0; page < PAGES; page += 1)
          expect(own.dirty.isDirty(region, BigInt(page * PAGE), PAGE, DIRTY_CLIENT_VGA)).toBe(
            dirty.has(page),
          );
      } finally {
        own.close();
      }
    }),
    { numRuns: 150 },
  );
});

function storeOf(port: MemoryPort, offset: number, size: number): void {
  if (size === 1) port.store8(0, offset, 1);
  else if (size === 2) port.store16(0, offset, 1);
  else if (size === 4) port.store32(0, offset, 1);
  else port.store64(0, offset, 1, 1);
}
