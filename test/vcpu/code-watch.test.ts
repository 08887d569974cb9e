import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  GENERATION_OFFLINE,
  READER_ANNOUNCED,
  READER_DIRTY_EPOCH,
  readerWord,
  type SharedWords,
  WORD_DIRTY_EPOCH,
} from '../../src/layout/control-block.ts';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import { Vcpu } from '../../src/vcpu/vcpu.ts';
import { BenchMachine } from '../support/bench-machine.ts';
import { codeOf } from '../support/code-of.ts';

const SLOT = 4;
const PAGE = 0x1000;

let machine: BenchMachine;
let words: SharedWords;
let root: MemoryRegion;
let ram: MemoryRegion;
let channel: MessagePort;
let vcpu: Vcpu;
beforeEach(() => {
  machine = new BenchMachine();
  words = machine.control;
  root = MemoryRegion.container('root', 2n ** 64n);
  ram = MemoryRegion.ram('ram', 8 * PAGE);
  root.addSubregion(0, ram);
  ram.dirtyLog.setLogsCode(true);
  machine.show('memory', root);
  machine.reader.offline(); // the vCPU is alone but where a test says otherwise
  const { port1, port2 } = new MessageChannel();
  channel = port1;
  port1.postMessage({ kind: 'address-space', index: 0, name: 'memory' });
  machine.grace.addReader(SLOT);
  const shared = { control: words.buffer, arena: machine.arena.words.buffer, ...machine.ram.shared };
  vcpu = new Vcpu({ slot: SLOT, machine: shared, port: port2, addressSpaces: [] });
});
afterEach(() => {
  vcpu.end();
  channel.close();
  machine.close();
});

const protect = (lo = PAGE, size = 4): boolean => vcpu.code.protect(vcpu.memory, 0, lo, size);
const isIntact = (lo = PAGE, size = 4): boolean => vcpu.code.isIntact(vcpu.memory, 0, lo, size);
const write = (): void => machine.dirty.write(ram, BigInt(PAGE + 8), Uint8Array.of(1)); // another thread's

describe('a page', () => {
  test('that was never protected is not intact', () => expect(isIntact()).toBe(false));

  test.each<[string, () => void]>([
    ['a store of the same vCPU', () => vcpu.memory.store32(0, PAGE + 16, 1)],
    ['one that reaches into it', () => vcpu.memory.store32(0, PAGE - 2, 1)],
    ['a bulk write', () => vcpu.memory.writeBytes(0, new Uint8Array(2 * PAGE))],
    ['an atomic operation', () => vcpu.memory.atomicAdd32(0, PAGE, 1)],
    ['a write by another thread', write],
    ['bytes that were written behind the API', () => machine.dirty.mark(ram, BigInt(PAGE), 1)],
  ])('is intact until %s', (_what, change) => {
    vcpu.memory.store32(0, PAGE, 1); // its stores are armed
    expect(protect()).toBe(true);
    vcpu.memory.load32(0, PAGE);
    vcpu.memory.store32(0, 3 * PAGE, 1);
    expect(isIntact()).toBe(true);
    change();
    expect(isIntact()).toBe(false);
    expect(protect()).toBe(true);
    expect(isIntact()).toBe(true);
  });

  test('is protected again at no cost while it is intact', () => {
    protect();
    const epoch = words[WORD_DIRTY_EPOCH];
    expect(protect()).toBe(true);
    expect(words[WORD_DIRTY_EPOCH]).toBe(epoch);
  });

  test('of several is watched by itself', () => {
    expect(protect(PAGE, 3 * PAGE)).toBe(true);
    vcpu.memory.store8(0, 3 * PAGE, 1);
    expect([1, 2, 3].map((page) => isIntact(page * PAGE))).toEqual([true, true, false]);
    expect(isIntact(PAGE, 3 * PAGE)).toBe(false);
  });

  test('that is remapped is not intact, and again when it is back', () => {
    protect();
    ram.setAddress(PAGE);
    vcpu.checkpoint();
    expect(isIntact(), 'another page of the RAM is there').toBe(false);
    ram.setAddress(0);
    vcpu.checkpoint();
    expect(isIntact()).toBe(true);
  });
});

describe('other readers', () => {
  const other = readerWord(7);
  test('are waited for: a page is protected once each has dropped the stores that it armed', () => {
    Atomics.store(words, other + READER_ANNOUNCED, 1);
    expect(protect()).toBe(false);
    expect(isIntact(), 'what was read must not be kept').toBe(false);
    expect(protect()).toBe(false);
    Atomics.store(words, other + READER_DIRTY_EPOCH, words[WORD_DIRTY_EPOCH]!);
    expect(protect()).toBe(true);
    expect(isIntact()).toBe(true);
  });

  test('that are offline are not', () => {
    Atomics.store(words, other + READER_ANNOUNCED, GENERATION_OFFLINE);
    expect(protect()).toBe(true);
  });

  test('that set the bit late make it be cleared again', () => {
    Atomics.store(words, other + READER_ANNOUNCED, 1);
    protect();
    Atomics.or(new Int32Array(machine.ram.shared.dirty), 1, 1 << 1); // a mark whose version was there before
    Atomics.store(words, other + READER_DIRTY_EPOCH, words[WORD_DIRTY_EPOCH]!);
    expect(protect(), 'anew').toBe(false);
    Atomics.store(words, other + READER_DIRTY_EPOCH, words[WORD_DIRTY_EPOCH]!);
    expect(protect()).toBe(true);
  });

  test('make this vCPU drop its own at the next checkpoint, also in a read section', () => {
    vcpu.memory.store32(0, PAGE, 1);
    vcpu.readLock();
    machine.dirty.take(ram, BigInt(PAGE), 4, 1);
    Atomics.add(words, WORD_DIRTY_EPOCH, 1);
    vcpu.memory.store32(0, PAGE, 2);
    expect(machine.dirty.isDirty(ram, BigInt(PAGE), 4, 1), 'still armed').toBe(false);
    vcpu.checkpoint();
    expect(words[readerWord(SLOT) + READER_DIRTY_EPOCH]).toBe(words[WORD_DIRTY_EPOCH]);
    vcpu.memory.store32(0, PAGE, 3);
    expect(machine.dirty.isDirty(ram, BigInt(PAGE), 4, 1)).toBe(true);
    vcpu.readUnlock();
  });
});

describe('cannot be protected', () => {
  test.each<[string, (lo: number) => void]>([
    ['a hole', () => {}],
    ['RAM that logs no code', (lo) => root.addSubregion(lo, MemoryRegion.ram('plain', PAGE))],
    ['a page of two sections', (lo) => half(lo)],
    [
      'RAM that is mapped across its pages',
      (lo) => root.addSubregion(lo, MemoryRegion.alias('shifted', ram, 8, 2 * PAGE)),
    ],
  ])('%s', (_what, map) => {
    const lo = 0x10_0000;
    map(lo);
    vcpu.checkpoint();
    expect(protect(lo)).toBe(false);
    expect(isIntact(lo)).toBe(false);
  });

  function half(lo: number): void {
    const region = MemoryRegion.ram('half', PAGE / 2);
    region.dirtyLog.setLogsCode(true);
    root.addSubregion(lo, region);
  }
});

describe('onWritten', () => {
  test('is called in the thread whose write hits, before the write, once until the next protection', () => {
    const heard: string[] = [];
    vcpu.code.onWritten = (hi, lo, size) =>
      heard.push(`${hi} 0x${lo.toString(16)} +${size}, before ${vcpu.memory.load32(0, PAGE)}`);
    protect();
    vcpu.memory.store32(0, PAGE, 5);
    vcpu.memory.store32(0, PAGE, 6);
    expect(heard).toEqual(['0 0x1000 +4, before 0']);
    write();
    expect(heard).toHaveLength(1);
  });

  test('must not protect again', () => {
    let code: string | undefined;
    vcpu.code.onWritten = () => {
      code = codeOf(() => protect());
    };
    protect();
    vcpu.memory.store32(0, PAGE, 5);
    expect(code).toBe('INVALID_ARGUMENT');
    expect(protect()).toBe(true);
  });
});
