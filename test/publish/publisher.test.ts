import { afterEach, describe, expect, test } from 'vitest';
import type { MemoryError } from '../../src/base/errors.ts';
import { MEMTX_DECODE_ERROR, MEMTX_OK } from '../../src/base/mem-tx-result.ts';
import { ADDRESS_SPACE_COUNT_MAX, rootWord } from '../../src/layout/control-block.ts';
import { CELL_BYTES, cellWord } from '../../src/layout/map-entry.ts';
import { VIEW_VERSION } from '../../src/layout/view-header.ts';
import { AddressSpace } from '../../src/model/address-space.ts';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import { transaction } from '../../src/model/transaction.ts';
import type { Publication } from '../../src/publish/publications.ts';
import { BenchMachine, type BenchMachineOptions, registers } from '../support/bench-machine.ts';
import { codeOf } from '../support/code-of.ts';

const PAGE = 0x1000;
let machine: BenchMachine;
afterEach(() => machine.close());
const start = (options: BenchMachineOptions = {}): BenchMachine => {
  machine = new BenchMachine(options);
  return machine;
};

function rootWith(...children: [number | bigint, MemoryRegion][]): MemoryRegion {
  const root = MemoryRegion.container('root', 2n ** 64n);
  for (const [offset, child] of children) root.addSubregion(offset, child);
  return root;
}
/** The reader passes a checkpoint, and what it held is reclaimed. */
function settle(): void {
  machine.checkpoint();
  machine.grace.poll();
}
const rootCell = (space = 0): number => Atomics.load(machine.control, rootWord(space));

describe('a transaction that cannot be published', () => {
  let changeCells = 0;
  /** A machine of two address spaces, a change that needs cells in both, and what readers see of them. */
  function tryWith(arenaCells: number): 'no room at all' | 'refused' | 'published' {
    const ram = MemoryRegion.ram('ram', PAGE);
    const device = MemoryRegion.io('device', 3, registers(4).device);
    const root = rootWith([0, ram], [0x5000, device]);
    const io = MemoryRegion.container('io', 0x10000);
    io.addSubregion(0x70, MemoryRegion.alias('window', device, 0, 2));
    try {
      start({ arenaBytes: arenaCells * CELL_BYTES });
    } catch {
      machine = new BenchMachine();
      return 'no room at all';
    }
    let memory: ReturnType<BenchMachine['show']>;
    try {
      memory = machine.show('memory', root);
      machine.show('ports', io);
    } catch (error) {
      expect((error as MemoryError).code).toBe('ARENA_FULL');
      return 'no room at all';
    }
    memory.port.store32(0, 8, 1234);
    const before = [rootCell(0), rootCell(1), machine.arena.usedBytes, machine.grace.retiredBytes];
    const children = [...root.children];
    const highWater = machine.arena.highWaterBytes;
    const code = codeOf(() =>
      transaction(() => {
        ram.setAddress(0x2000);
        device.setSize(4);
        root.addSubregionOverlap(0x1234567, MemoryRegion.alias('again', ram, 3, 7), -1);
      }),
    );
    changeCells = (machine.arena.highWaterBytes - highWater) / CELL_BYTES;
    if (code === undefined) return 'published';
    expect(code).toBe('ARENA_FULL');
    expect([rootCell(0), rootCell(1), machine.arena.usedBytes, machine.grace.retiredBytes]).toEqual(before);
    expect([...root.children]).toEqual(children);
    expect([ram.address, device.size]).toEqual([0n, 3n]);
    machine.checkpoint();
    expect(memory.port.load32(0, 8)).toBe(1234);
    expect(machine.arena.usedBytes + machine.arena.freeBytes).toBe(machine.arena.highWaterBytes);
    device.setEnabled(true); // the machine is usable: this changes nothing
    return 'refused';
  }

  test('for an arena that ends at any of its allocations leaves everything as it was', () => {
    const outcomes: string[] = [];
    for (let cells = 2; cells < 80; cells += 1) {
      outcomes.push(tryWith(cells));
      machine.close();
    }
    const first = outcomes.indexOf('refused');
    const published = outcomes.indexOf('published');
    expect(first).toBeGreaterThan(0);
    expect(published - first, 'each allocation of the change was the one that failed').toBe(changeCells);
    expect(changeCells).toBeGreaterThan(5);
    expect(outcomes.slice(first, published).every((outcome) => outcome === 'refused')).toBe(true);
    expect(outcomes.slice(published).every((outcome) => outcome === 'published')).toBe(true);
  });

  test('for a region that cannot be backed leaves no view behind', () => {
    start();
    const root = rootWith([0, MemoryRegion.ram('ram', PAGE)]);
    machine.show('memory', root);
    const before = [rootCell(), machine.arena.usedBytes];
    expect(codeOf(() => root.addSubregion(2n ** 40n, MemoryRegion.ram('absurd', 2n ** 50n)))).toBe(
      'RAM_EXHAUSTED',
    );
    expect([rootCell(), machine.arena.usedBytes]).toEqual(before);
    expect(root.children).toHaveLength(1);
  });

  test('for an address space that is added leaves it unknown', () => {
    start({ arenaBytes: 16 * CELL_BYTES });
    const root = MemoryRegion.container('root', 2n ** 64n);
    for (let i = 0; i < 40; i += 1) root.addSubregion(i * 64, MemoryRegion.ram(`ram${i}`, 1));
    const space = new AddressSpace('memory', root);
    expect(codeOf(() => machine.publisher.add(space))).toBe('ARENA_FULL');
    expect(codeOf(() => machine.publisher.flatViewOf(space))).toBe('ADDRESS_SPACE_UNKNOWN');
    expect([...machine.publisher.addressSpaces]).toEqual([]);
  });
});

describe('back-pressure', () => {
  test('refuses commits while a silent reader holds too much, and ends when it moves', () => {
    start({ garbageBytesMax: 2000 });
    const ram = MemoryRegion.ram('ram', PAGE);
    const root = rootWith([0, ram]);
    const { port } = machine.show('memory', root);
    port.store32(0, 0, 99);
    const move = (): string | undefined => codeOf(() => ram.setAddress(ram.address + 0x1000n));
    let moves = 0;
    while (move() === undefined) moves += 1;
    expect(move()).toBe('BACK_PRESSURE');
    expect(ram.address).toBe(BigInt(moves) * 0x1000n);
    expect(machine.grace.retiredBytes).toBeGreaterThan(2000);
    expect(port.load32(0, 0), 'the reader still has the layout of its last checkpoint').toBe(99);
    machine.checkpoint();
    expect(port.load32(0, moves * PAGE)).toBe(99);
    machine.grace.poll();
    expect(machine.grace.retiredBytes).toBe(0);
    expect(move()).toBeUndefined();
  });

  test('does not need anybody to wait: the next commit itself looks at the readers', () => {
    start({ garbageBytesMax: 0 });
    const ram = MemoryRegion.ram('ram', PAGE);
    machine.show('memory', rootWith([0, ram]));
    for (let i = 1; i < 200; i += 1) {
      ram.setAddress(i * 0x1000);
      machine.checkpoint();
    }
    expect(machine.arena.highWaterBytes).toBeLessThan(64 * CELL_BYTES);
  });
});

describe('address spaces that share a view', () => {
  test('have one map until the last of them leaves it', () => {
    start();
    const root = rootWith([0, MemoryRegion.ram('ram', PAGE)]);
    const [first, second] = [machine.show('first', root), machine.show('second', root)];
    expect(rootCell(0)).toBe(rootCell(1));
    const used = machine.arena.usedBytes;
    first.space.setRoot(null);
    settle();
    expect(machine.arena.usedBytes).toBe(used);
    expect(second.port.load8(0, 0)).toBe(0);
    expect(second.port.result).toBe(MEMTX_OK);
    first.port.load8(0, 0);
    expect(first.port.result).toBe(MEMTX_DECODE_ERROR);
    second.space.setRoot(null);
    settle();
    expect(machine.arena.usedBytes).toBeLessThan(used);
  });

  test('change together, and their view is retired once', () => {
    start();
    const ram = MemoryRegion.ram('ram', PAGE);
    const root = rootWith([0, ram]);
    const shown = [0, 1, 2].map((i) => machine.show(`space ${i}`, root));
    const used = machine.arena.usedBytes;
    ram.setAddress(0x4000);
    expect(new Set(shown.map((_, i) => rootCell(i))).size).toBe(1);
    settle();
    expect(machine.arena.usedBytes + machine.arena.freeBytes).toBe(machine.arena.highWaterBytes);
    expect(machine.arena.usedBytes, 'the same shape, so the same size').toBe(used);
  });

  test('exchange their views without retiring either', () => {
    start();
    const roots = ['a', 'b'].map((name) => rootWith([0, MemoryRegion.ram(name, PAGE)]));
    const [a, b] = roots.map((root, i) => machine.show(`space ${i}`, root));
    const before = [rootCell(0), rootCell(1)];
    const retired = machine.grace.retiredBytes;
    transaction(() => {
      a!.space.setRoot(roots[1]!);
      b!.space.setRoot(roots[0]!);
    });
    expect([rootCell(1), rootCell(0)]).toEqual(before);
    expect(machine.grace.retiredBytes).toBe(retired);
  });
});

describe('address spaces that come and go', () => {
  test('one that is removed shows nothing to ports that are left', () => {
    start();
    const { space, port } = machine.show('memory', rootWith([0, MemoryRegion.ram('ram', PAGE)]));
    machine.publisher.remove(space);
    expect(codeOf(() => machine.publisher.flatViewOf(space))).toBe('ADDRESS_SPACE_UNKNOWN');
    expect(codeOf(() => machine.publisher.remove(space))).toBe('ADDRESS_SPACE_UNKNOWN');
    port.load8(0, 0);
    expect(port.result).toBe(MEMTX_OK);
    machine.checkpoint();
    port.load8(0, 0);
    expect(port.result).toBe(MEMTX_DECODE_ERROR);
  });

  test('one that is removed, added and removed in one transaction leaves no view behind', () => {
    start();
    const empty = machine.arena.usedBytes;
    const { space, port } = machine.show('memory', rootWith([0, MemoryRegion.ram('ram', PAGE)]));
    transaction(() => {
      machine.publisher.remove(space);
      machine.publisher.add(space);
      machine.publisher.remove(space);
    });
    settle();
    expect(machine.arena.usedBytes).toBe(empty);
    port.load8(0, 0);
    expect(port.result).toBe(MEMTX_DECODE_ERROR);
  });

  test('a removal that is undone leaves it as it was', () => {
    start();
    const { space, port } = machine.show('memory', rootWith([0, MemoryRegion.ram('ram', PAGE)]));
    const undone = (): void =>
      transaction(() => {
        machine.publisher.remove(space);
        throw new Error('changed my mind');
      });
    expect(undone).toThrow('changed my mind');
    expect(machine.publisher.flatViewOf(space).ranges).toHaveLength(1);
    machine.checkpoint();
    port.load8(0, 0);
    expect(port.result).toBe(MEMTX_OK);
  });

  test('one is added once, and a machine has a bounded number in its life', () => {
    start();
    const { space } = machine.show('memory', null);
    expect(codeOf(() => machine.publisher.add(space))).toBe('INVALID_ARGUMENT');
    for (let i = 1; i < ADDRESS_SPACE_COUNT_MAX; i += 1)
      machine.publisher.add(new AddressSpace(`space ${i}`));
    expect(codeOf(() => machine.publisher.add(new AddressSpace('one more')))).toBe(
      'ADDRESS_SPACES_EXHAUSTED',
    );
  });
});

describe('publications', () => {
  test('are told to listeners with the addresses that changed, once a view', () => {
    start();
    const ram = MemoryRegion.ram('ram', PAGE);
    const root = rootWith([0, ram]);
    const [a, b] = [machine.show('a', root), machine.show('b', root)];
    const seen: Publication[] = [];
    const stop = machine.publisher.onPublication((publication) => seen.push(publication));
    ram.setAddress(0x1000);
    expect(seen).toHaveLength(1);
    expect(seen[0]!.generation).toBe(machine.grace.generation);
    expect(seen[0]!.changed.map(({ addressSpace }) => addressSpace)).toEqual([a.space, b.space]);
    expect(seen[0]!.changed[0]!.windows).toEqual([{ start: 0n, last: 0x1fffn }]);
    stop();
    ram.setAddress(0);
    expect(seen).toHaveLength(1);
  });

  test('show a root at its new address, also where its container is disabled', () => {
    start();
    const ram = MemoryRegion.ram('ram', PAGE);
    const disabled = MemoryRegion.container('disabled', 0x10000, { enabled: false });
    const { port } = machine.show('memory', ram);
    port.store8(0, 0, 1);
    for (const move of [() => disabled.addSubregion(0x2000, ram), () => ram.setAddress(0x4000)]) {
      move();
      machine.checkpoint();
      expect(port.read(ram.address, 1)).toBe(1);
      port.load8(0, 0);
      expect(port.result).toBe(MEMTX_DECODE_ERROR);
    }
  });

  test('are not made for changes that nobody sees', () => {
    start();
    const hidden = MemoryRegion.ram('hidden', PAGE);
    const root = rootWith([0, hidden]);
    root.addSubregionOverlap(0, MemoryRegion.ram('above', PAGE), 1);
    machine.show('memory', root);
    const before = [machine.publisher.publications, rootCell(), machine.arena.usedBytes];
    hidden.setReadonly(true);
    MemoryRegion.container('elsewhere', 16).setSize(8);
    expect([machine.publisher.publications, rootCell(), machine.arena.usedBytes]).toEqual(before);
  });
});

describe('a port that fell behind', () => {
  test('tells a newer view in the same cell by its version, and drops its TLB', () => {
    start({ garbageBytesMax: 0 });
    const regions = ['a', 'b', 'c'].map((name) => MemoryRegion.ram(name, PAGE));
    const { space, port } = machine.show('memory', regions[0]!);
    port.store32(0, 0, 0xaaaa);
    const cell = rootCell();
    const version = machine.arena.words[cellWord(cell) + VIEW_VERSION];
    // Offline, as in waitForInterrupt(): views come and go until the cell is published again.
    machine.reader.offline();
    for (let turn = 1; turn === 1 || rootCell() !== cell; turn += 1) {
      expect(turn, 'the arena uses the cell again').toBeLessThan(100);
      space.setRoot(regions[1 + (turn % 2)]!); // never the region that the port knows
    }
    expect(machine.arena.words[cellWord(cell) + VIEW_VERSION]).not.toBe(version);
    machine.reader.online();
    port.refresh();
    expect(port.load32(0, 0)).toBe(0);
  });
});
