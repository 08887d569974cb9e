/** What the checker convicts, one wrong answer at a time, on a port that answers as it is told. */
import { describe, expect, test } from 'vitest';
import { MEMTX_DECODE_ERROR, MEMTX_ERROR, MEMTX_OK } from '../../src/base/mem-tx-result.ts';
import type { MemoryPort } from '../../src/vcpu/memory-port.ts';
import { AccessChecker } from '../../src/verify/access-checker.ts';
import * as board from '../../src/verify/board.ts';
import * as format from '../../src/verify/cell-format.ts';

const TAG = 0x123;
const word = (version: number, tag = TAG): number => tag | (version << format.VERSION_SHIFT);

/** Cell 0 is written by vCPU 0, cell 1 by vCPU 1; we are vCPU 0. */
function bench(answer = 0, result = MEMTX_OK) {
  const shared = (count: number) => new Int32Array(new SharedArrayBuffer(4 * count));
  const cells = shared(8);
  cells.set([TAG, TAG, 0, 0, TAG, TAG, 1, 1]);
  const words = board.createBoard(1);
  const versions = shared(2);
  const checker = new AccessChecker(0, words, { cells, versions, slotCount: 2, vcpuCount: 1 });
  const port = {
    answer,
    result,
    stored: [] as number[][],
    load8: () => port.answer & 0xff,
    load16: () => port.answer & 0xffff,
    load32: () => port.answer | 0,
    store8: (_hi: number, _lo: number, value: number) => port.stored.push([1, value & 0xff]),
    store16: (_hi: number, _lo: number, value: number) => port.stored.push([2, value & 0xffff]),
    store32: (_hi: number, _lo: number, value: number) => port.stored.push([4, value]),
  };
  const found = (): number[] => board.takeFindings(words, 0).map(({ what }) => what);
  const count = (): number => words[board.vcpuWord(0) + board.VCPU_VIOLATIONS]!;
  return { checker, port, memoryPort: port as unknown as MemoryPort, versions, words, found, count };
}

const ramOf = (cell: number): number => format.entryFrom(cell, format.CLASS_RAM);
const HOLE = format.entryFrom(0, format.CLASS_HOLE);

describe('a read', () => {
  test.each([
    ['the due word', word(0), MEMTX_OK, 4, ramOf(0), []],
    ['the low half of it', word(0), MEMTX_OK, 2, ramOf(0), []],
    ['the low byte of it', word(0), MEMTX_OK, 1, ramOf(0), []],
    ['nothing in a hole', 0, MEMTX_DECODE_ERROR, 4, HOLE, []],
    ["another vCPU's next version", word(1), MEMTX_OK, 4, ramOf(1), []],
    ['an error where memory is due', word(0), MEMTX_ERROR, 4, ramOf(0), [board.FOUND_RESULT]],
    ['success in a hole', 0, MEMTX_OK, 4, HOLE, [board.FOUND_RESULT]],
    ['a value in a hole', 1, MEMTX_DECODE_ERROR, 4, HOLE, [board.FOUND_ANSWER]],
    ['the tag of another', word(0, 0x124), MEMTX_OK, 4, ramOf(0), [board.FOUND_ANSWER]],
    ['half the tag of another', word(0, 0x2123), MEMTX_OK, 2, ramOf(0), [board.FOUND_ANSWER]],
    ['a byte of the tag of another', word(0, 0x124), MEMTX_OK, 1, ramOf(0), [board.FOUND_ANSWER]],
    [
      'a version of our own word that we never wrote',
      word(1),
      MEMTX_OK,
      4,
      ramOf(0),
      [board.FOUND_OWN_WRITE],
    ],
  ])('of %s', (_name, answer, result, size, entry, due) => {
    const { checker, memoryPort, found, count } = bench(answer, result);
    checker.read(memoryPort, 0, 0x1000, size, entry);
    expect(found()).toEqual(due);
    expect(count()).toBe(due.length);
    expect(checker.checked).toBe(1);
  });

  test('convicts a version that goes back, once', () => {
    const { checker, port, memoryPort, found } = bench(word(5));
    checker.read(memoryPort, 0, 0, 4, ramOf(1));
    port.answer = word(4);
    checker.read(memoryPort, 0, 0, 4, ramOf(1));
    checker.read(memoryPort, 0, 0, 4, ramOf(1));
    expect(found()).toEqual([board.FOUND_OLD_VERSION]);
  });

  test('takes a version that has wrapped for a newer one', () => {
    const { checker, port, memoryPort, count, versions } = bench(word(format.VERSION_MASK));
    versions[1] = format.VERSION_MASK;
    checker.read(memoryPort, 0, 0, 4, ramOf(1));
    port.answer = word(0);
    checker.read(memoryPort, 0, 0, 4, ramOf(1));
    expect(count()).toBe(0);
  });
});

describe('eras', () => {
  test('a version is not compared with one of an era before', () => {
    const { checker, port, memoryPort, count, words } = bench(word(5));
    checker.beginSlice();
    checker.read(memoryPort, 0, 0, 4, ramOf(1));
    board.advanceEra(words, 1);
    checker.beginSlice();
    port.answer = word(4); // half of all versions later, for all we know
    checker.read(memoryPort, 0, 0, 4, ramOf(1));
    expect(count()).toBe(0);
  });

  test('a word is written so often in one era and no oftener', () => {
    const { checker, port, memoryPort, words } = bench();
    const writeMany = (): number => {
      const before = port.stored.length;
      for (let turn = 0; turn < format.VERSIONS_PER_ERA + 10; turn += 1) {
        checker.write(memoryPort, 0, 0, 4, ramOf(0));
        port.answer = port.stored.at(-1)![1]!;
      }
      return port.stored.length - before;
    };
    checker.beginSlice();
    expect(writeMany()).toBe(format.VERSIONS_PER_ERA);
    board.advanceEra(words, 1);
    checker.beginSlice();
    expect(writeMany()).toBe(format.VERSIONS_PER_ERA);
  });

  test('begin when every vCPU has taken the one before', () => {
    const words = board.createBoard(2);
    board.advanceEra(words, 2);
    expect(words[board.BOARD_ERA]).toBe(1);
    words[board.vcpuWord(0) + board.VCPU_ERA] = 1;
    board.advanceEra(words, 2);
    expect(words[board.BOARD_ERA]).toBe(1);
    words[board.vcpuWord(1) + board.VCPU_ERA] = 1;
    board.advanceEra(words, 2);
    expect(words[board.BOARD_ERA]).toBe(2);
  });
});

describe('a write', () => {
  test('of our own word carries tag and next version, which must be read again', () => {
    const { checker, port, memoryPort, found } = bench(word(0));
    checker.write(memoryPort, 0, 0, 4, ramOf(0));
    expect(port.stored).toEqual([[4, word(1)]]);
    port.answer = word(1);
    checker.read(memoryPort, 0, 0, 4, ramOf(0));
    expect(found()).toEqual([]);
    port.answer = word(0); // the write got lost
    checker.read(memoryPort, 0, 0, 4, ramOf(0));
    expect(found()).toEqual([board.FOUND_OWN_WRITE]);
  });

  test.each([
    ["another vCPU's word is a read", ramOf(1), 4, []],
    ['a narrow part of RAM is a read', ramOf(0), 2, []],
    [
      'a device register carries tag and version',
      format.entryFrom(0, format.CLASS_DEVICE),
      4,
      [[4, word(1)]],
    ],
    ["another vCPU's register is a read", format.entryFrom(1, format.CLASS_DEVICE), 4, []],
    ['half a register carries the tag', format.entryFrom(1, format.CLASS_DEVICE), 2, [[2, TAG]]],
    ['ROM carries what is no tag', format.entryFrom(0, format.CLASS_ROM), 4, [[4, ~TAG]]],
    ['a read-only device likewise', format.entryFrom(0, format.CLASS_DEVICE_READONLY), 1, [[1, ~TAG & 0xff]]],
    ['a ROM device has no version', format.entryFrom(0, format.CLASS_ROM_DEVICE), 4, [[2, TAG]]],
  ])('of %s', (_name, entry, size, stored) => {
    const { checker, port, memoryPort, count } = bench(word(0));
    checker.write(memoryPort, 0, 0, size, entry);
    expect(port.stored).toEqual(stored);
    expect(count()).toBe(0);
  });

  test.each([
    ['into a hole that succeeds', HOLE, MEMTX_OK],
    ['to ROM that faults', format.entryFrom(0, format.CLASS_ROM), MEMTX_DECODE_ERROR],
    ['of our own word that faults', ramOf(0), MEMTX_ERROR],
  ])('%s is convicted', (_name, entry, result) => {
    const { checker, memoryPort, found } = bench(0, result);
    checker.write(memoryPort, 0, 0, 4, entry);
    expect(found()).toEqual([board.FOUND_RESULT]);
  });
});

test('violations are counted past the examples that are kept', () => {
  const { checker, memoryPort, count, found } = bench(word(0, 0x77));
  for (let turn = 0; turn < 25; turn += 1) checker.read(memoryPort, 0, 0, 4, ramOf(0));
  expect(count()).toBe(25);
  expect(found()).toHaveLength(board.EXAMPLE_COUNT);
});
