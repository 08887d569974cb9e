/** map(), unmap() and map clients of one thread; several threads are in bounce-threads.test.ts. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { controlDevice } from '../../src/base/device-binding.ts';
import type { MemoryMapping } from '../../src/base/guest-memory.ts';
import {
  MEMTXATTRS_DEBUG,
  MEMTXATTRS_MEMORY,
  memTxAttrs,
  requesterIdOfAttrs,
} from '../../src/base/mem-tx-attrs.ts';
import {
  MEMTX_ACCESS_ERROR,
  MEMTX_DECODE_ERROR,
  MEMTX_ERROR,
  MEMTX_OK,
  memTxFailure,
} from '../../src/base/mem-tx-result.ts';
import { bounceLimitWord, bounceUsedWord } from '../../src/layout/control-block.ts';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import { transaction } from '../../src/model/transaction.ts';
import type { MemoryPort } from '../../src/vcpu/memory-port.ts';
import { BenchMachine, registers, rootWith } from '../support/bench-machine.ts';
import { codeOf } from '../support/code-of.ts';

let machine: BenchMachine;
beforeEach(() => {
  machine = new BenchMachine();
});
afterEach(() => machine.close());

const PAGE = 0x1000;

const show = (...children: [number | bigint, MemoryRegion, number?][]): MemoryPort =>
  machine.show('memory', rootWith(...children)).port;
const mapped = (mapping: MemoryMapping | null): MemoryMapping => {
  if (mapping === null) throw new Error('nothing was mapped');
  return mapping;
};
const used = (): number => machine.control[bounceUsedWord(0)]!;

describe('memory', () => {
  test('is mapped as it is: what is stored on one side is there on the other', () => {
    const port = show([0, MemoryRegion.ram('ram', 4 * PAGE)]);
    const mapping = mapped(port.map(PAGE + 4, 8, true));
    expect(mapping).toMatchObject({ isBounce: false, isWrite: true });
    mapping.bytes.set([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(port.read(PAGE + 8, 4)).toBe(0x08070605);
    port.write(PAGE + 4, 1, 99);
    expect(mapping.bytes[0]).toBe(99);
    expect(port.unmap(mapping)).toBe(MEMTX_OK);
    expect(used()).toBe(0);
  });

  test('is mapped as far as the bytes of its region go on, over sections too', () => {
    const ram = MemoryRegion.ram('ram', 4 * PAGE);
    const part = (name: string, offset: number) => MemoryRegion.alias(name, ram, offset, PAGE);
    const last = part('last', 2 * PAGE);
    last.setNonvolatile(true); // a section of its own
    const port = show(
      [0, part('first', 0)],
      [PAGE, part('second', PAGE)],
      [2 * PAGE, last],
      [3 * PAGE, part('not the next', 0)],
    );
    expect(mapped(port.map(0x10, 4 * PAGE, false)).bytes).toHaveLength(3 * PAGE - 0x10);
    expect(mapped(port.map(3 * PAGE, 4 * PAGE, false)).bytes).toHaveLength(PAGE);
  });

  test('ends where another region begins, though its bytes may follow in the same buffer', () => {
    const port = show([0, MemoryRegion.ram('one', PAGE)], [PAGE, MemoryRegion.ram('two', PAGE)]);
    expect(mapped(port.map(PAGE - 4, 100, true)).bytes).toHaveLength(4);
  });

  test('ends at 2^64', () => {
    const ram = MemoryRegion.ram('ram', PAGE);
    const port = show([2n ** 64n - 0x1000n, ram], [0, MemoryRegion.alias('again', ram, 0, PAGE)]);
    expect(mapped(port.map(2n ** 64n - 4n, 100, false)).bytes).toHaveLength(4);
  });

  test('of a RAM device is mapped as it is', () => {
    const own = new SharedArrayBuffer(PAGE);
    const port = show([0, MemoryRegion.ramDevice('bar', own)]);
    const mapping = mapped(port.map(8, 2 * PAGE, true));
    expect(mapping).toMatchObject({ isBounce: false, bytes: { length: PAGE - 8 } });
    mapping.bytes[0] = 7;
    expect(new Uint8Array(own)[8]).toBe(7);
  });

  test('that is read-only is mapped for reads, and for writes by a debugger', () => {
    const rom = MemoryRegion.rom('rom', PAGE);
    const port = show([0, rom]);
    expect(mapped(port.map(0, 4, false)).isBounce).toBe(false);
    const mapping = mapped(port.map(0, 4, true));
    expect(mapping.isBounce).toBe(true);
    expect(port.unmap(mapping)).toBe(MEMTX_DECODE_ERROR); // as a bulk write to ROM
    port.attrs = MEMTXATTRS_DEBUG;
    expect(mapped(port.map(0, 4, true)).isBounce).toBe(false);
  });
});

describe('a mapping outlives the layout', () => {
  test('its bytes are not given to others before unmap(), also over checkpoints', () => {
    const ram = MemoryRegion.ram('ram', PAGE);
    const root = rootWith([0, ram]);
    const { port } = machine.show('memory', root);
    machine.checkpoint();
    const mapping = mapped(port.map(0, PAGE, true));
    mapping.bytes[0] = 42;
    root.delSubregion(ram);
    machine.checkpoint();
    let isFreed = false;
    const free = machine.ram.detach(ram);
    machine.grace.callRcu(() => free());
    machine.checkpoint();
    machine.grace.poll();
    const other = MemoryRegion.ram('other', PAGE);
    root.addSubregion(0, other);
    machine.checkpoint();
    port.write(0, 1, 7);
    expect(mapping.bytes[0]).toBe(42);
    machine.publisher.store.onceUnheld(ram, () => {
      isFreed = true;
    });
    expect(isFreed).toBe(false);
    port.unmap(mapping);
    machine.publisher.store.poll();
    expect(isFreed).toBe(true);
    expect(mapping.bytes[0]).toBe(0); // freed blocks are zeroed: the mapping has ended
  });

  test('and gives the arena back: a thousand layouts later only one more is held', () => {
    const bar = MemoryRegion.ram('bar', PAGE);
    const { port } = machine.show('memory', rootWith([0, MemoryRegion.ram('ram', PAGE)], [PAGE, bar]));
    machine.checkpoint();
    const mapping = mapped(port.map(0, 16, true));
    let most = 0;
    for (let i = 2; i < 1002; i += 1) {
      bar.setAddress(i * PAGE);
      machine.checkpoint();
      machine.grace.poll();
      most = Math.max(most, machine.publisher.store.heldBytes);
    }
    expect(most).toBeGreaterThan(0);
    expect(machine.publisher.store.heldBytes).toBe(most);
    mapping.bytes[3] = 5;
    expect(port.read(3, 1)).toBe(5);
    port.unmap(mapping);
    machine.publisher.store.poll();
    expect(machine.publisher.store.heldBytes).toBe(0);
  });

  test('views held at a time are bounded; the one too many says so and takes nothing', () => {
    const bar = MemoryRegion.ram('bar', PAGE);
    const { port } = machine.show('memory', rootWith([0, bar]));
    const mappings: MemoryMapping[] = [];
    for (let i = 0; i < 31; i += 1) {
      bar.setAddress(i * PAGE);
      machine.checkpoint();
      mappings.push(mapped(port.map(i * PAGE, 16, true)), mapped(port.map(i * PAGE, 16, true)));
    }
    bar.setAddress(100 * PAGE);
    machine.checkpoint();
    expect(codeOf(() => port.map(100 * PAGE, 16, true))).toBe('VIEW_HOLDS_EXHAUSTED');
    for (const mapping of mappings) port.unmap(mapping);
    expect(mapped(port.map(100 * PAGE, 16, true)).isBounce).toBe(false);
  });
});

describe('what is not memory', () => {
  test('is copied: read when it is mapped, written when it is unmapped', () => {
    const { device, callbacks } = registers(0x100);
    const port = show([0, MemoryRegion.io('dev', 0x100, device)]);
    callbacks.bytes.set([1, 2, 3, 4], 0x10);
    const read = mapped(port.map(0x10, 4, false));
    expect(read).toMatchObject({ isBounce: true, isWrite: false });
    expect([...read.bytes]).toEqual([1, 2, 3, 4]);
    read.bytes[0] = 99; // a mapping for reads is not written back
    expect(port.unmap(read)).toBe(MEMTX_OK);
    expect(callbacks.bytes[0x10]).toBe(1);
    const write = mapped(port.map(0x10, 4, true));
    expect([...write.bytes]).toEqual([0, 0, 0, 0]);
    write.bytes.set([9, 8, 7, 6]);
    expect(port.unmap(write, 2)).toBe(MEMTX_OK);
    expect([...callbacks.bytes.subarray(0x10, 0x14)]).toEqual([9, 8, 3, 4]);
    expect(used()).toBe(0);
  });

  test('tells what went wrong when the copy was filled and when it was written back', () => {
    const dead = controlDevice({
      readWithAttrs: () => memTxFailure(MEMTX_ERROR),
      writeWithAttrs: () => MEMTX_ERROR,
    });
    const port = show([0, MemoryRegion.io('dead', 0x100, dead)]);
    const read = mapped(port.map(0, 8, false));
    expect(port.result).toBe(MEMTX_ERROR);
    port.unmap(read);
    expect(port.unmap(mapped(port.map(0, 8, true)))).toBe(MEMTX_ERROR);
    expect(port.result).toBe(MEMTX_ERROR);
    const hole = mapped(port.map(0x1000, 8, false));
    expect(port.result).toBe(MEMTX_DECODE_ERROR);
    port.unmap(hole);
  });

  test('is written back with the attributes of map()', () => {
    const seen: number[] = [];
    const device = controlDevice({
      readWithAttrs: () => 0,
      writeWithAttrs: (_offset, _value, _size, attrs) => void seen.push(requesterIdOfAttrs(attrs)),
    });
    const port = show([0, MemoryRegion.io('dev', 0x100, device)]);
    const own = memTxAttrs({ requesterId: 0x18 });
    port.attrs = own;
    const mapping = mapped(port.map(0, 4, true));
    port.attrs = memTxAttrs({ requesterId: 0x20 });
    port.unmap(mapping);
    expect(seen).toEqual([0x18]);
    expect(requesterIdOfAttrs(port.attrs)).toBe(0x20);
  });

  test('is denied where only memory may be reached', () => {
    const port = show([0, MemoryRegion.io('dev', 0x100, registers(0x100).device)]);
    port.attrs = MEMTXATTRS_MEMORY;
    mapped(port.map(0, 4, false));
    expect(port.result).toBe(MEMTX_ACCESS_ERROR);
  });
});

describe('the bounce budget', () => {
  const device = () => MemoryRegion.io('dev', 0x10000, registers(0x10000).device);

  test('shortens what is asked for, and gives nothing when it is spent', () => {
    const port = show([0, device()]);
    const first = mapped(port.map(0, 4000, true));
    const second = mapped(port.map(0, 4000, true));
    expect(second.bytes).toHaveLength(96);
    expect(port.map(0, 1, true)).toBeNull();
    expect(port.map(0, 1, false)).toBeNull();
    port.unmap(first, 0);
    expect(mapped(port.map(0, 10_000, true)).bytes).toHaveLength(4000);
  });

  test('is one of the address space, which others do not spend', () => {
    const one = show([0, device()]);
    const other = machine.show('other', rootWith([0, device()])).port;
    mapped(one.map(0, 4096, true));
    expect(one.map(0, 1, true)).toBeNull();
    expect(mapped(other.map(0, 4096, true)).bytes).toHaveLength(4096);
  });

  test('may be larger', () => {
    const port = show([0, device()]);
    machine.control[bounceLimitWord(0)] = 0x8000;
    expect(mapped(port.map(0, 0x10000, true)).bytes).toHaveLength(0x8000);
  });

  test('is taken from in at most 16 address spaces at a time', () => {
    const root = rootWith([0, device()]);
    const ports = Array.from({ length: 17 }, (_, i) => machine.show(`space${i}`, root).port);
    const mappings = ports.slice(0, 16).map((port) => mapped(port.map(0, 1, true)));
    expect(codeOf(() => ports[16]!.map(0, 1, true))).toBe('BOUNCE_SPACES_EXHAUSTED');
    ports[3]!.unmap(mappings[3]!, 0);
    expect(mapped(ports[16]!.map(0, 1, true)).bytes).toHaveLength(1);
  });
});

describe('a map client', () => {
  const spend = () => {
    const port = show([0, MemoryRegion.io('dev', 0x10000, registers(0x10000).device)]);
    return { port, mapping: mapped(port.map(0, 4096, true)) };
  };

  test('is called at once if there are bytes', () => {
    const { port, mapping } = spend();
    port.unmap(mapping, 0);
    let calls = 0;
    port.registerMapClient(() => {
      calls += 1;
    });
    expect(calls).toBe(1);
  });

  test('is called once, when bytes are given back, in the order of registration', () => {
    const { port, mapping } = spend();
    const called: string[] = [];
    for (const name of ['first', 'second']) port.registerMapClient(() => called.push(name));
    machine.holds.clients.poll();
    expect(called).toEqual([]);
    port.unmap(mapping, 0);
    machine.holds.clients.poll();
    machine.holds.clients.poll();
    expect(called).toEqual(['first', 'second']);
    expect(machine.holds.clients.waitingCount).toBe(0);
  });

  test('that finds no byte, because one before it took all, goes on waiting', () => {
    const { port, mapping } = spend();
    let second = 0;
    let taken: MemoryMapping | null = null;
    port.registerMapClient(() => {
      taken = port.map(0, 4096, true);
    });
    port.registerMapClient(() => {
      second += 1;
    });
    port.unmap(mapping, 0);
    machine.holds.clients.poll();
    expect(second).toBe(0);
    port.unmap(mapped(taken), 0);
    machine.holds.clients.poll();
    expect(second).toBe(1);
  });

  test('that was taken back is not called, also if another one does it', () => {
    const { port, mapping } = spend();
    const called: string[] = [];
    port.registerMapClient(() => {
      called.push('first');
      takeBack();
    });
    const takeBack = port.registerMapClient(() => called.push('second'));
    port.unmap(mapping, 0);
    machine.holds.clients.poll();
    takeBack();
    expect(called).toEqual(['first']);
  });
});

describe('misuse', () => {
  test.each([0, -1, 1.5, Number.NaN, 2 ** 53])('a length of %d is refused', (length) => {
    const port = show([0, MemoryRegion.ram('ram', PAGE)]);
    expect(codeOf(() => port.map(0, length, false))).toBe('INVALID_ARGUMENT');
    expect(codeOf(() => port.cache(0, length, false))).toBe('INVALID_ARGUMENT');
  });

  test('unmap() twice, of what another port mapped, or of more than was mapped', () => {
    const port = show([0, MemoryRegion.ram('ram', PAGE)]);
    const other = machine.show('other', rootWith([0, MemoryRegion.ram('more', PAGE)])).port;
    const mapping = mapped(port.map(0, 16, true));
    expect(codeOf(() => other.unmap(mapping))).toBe('MAPPING_ENDED');
    for (const length of [17, -1, 0.5])
      expect(codeOf(() => port.unmap(mapping, length))).toBe('INVALID_ARGUMENT');
    port.unmap(mapping);
    expect(codeOf(() => port.unmap(mapping))).toBe('MAPPING_ENDED');
  });
});

test('a bulk copy in a transaction of its own keeps the layout of map() out of write-back', () => {
  const one = registers(0x100);
  const two = registers(0x100);
  const first = MemoryRegion.io('one', 0x100, one.device);
  const root = rootWith([0, first]);
  const { port } = machine.show('memory', root);
  const mapping = mapped(port.map(0, 4, true));
  mapping.bytes.fill(5);
  transaction(() => {
    root.delSubregion(first);
    root.addSubregion(0, MemoryRegion.io('two', 0x100, two.device));
  });
  machine.checkpoint();
  port.unmap(mapping);
  expect([one.callbacks.bytes[0], two.callbacks.bytes[0]]).toEqual([0, 5]);
});
