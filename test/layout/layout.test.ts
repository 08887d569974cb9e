/** The layout's arithmetic. That the tables in the files say what the exports are is tidy.test.ts's. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as control from '../../src/layout/control-block.ts';
import { DELTA_COUNT_MAX, DELTA_STRIDE_WORDS, deltaWord } from '../../src/layout/delta-ring.ts';
import {
  DOORBELL_BITS,
  doorbellBit,
  MAILBOX_ANSWERED,
  MAILBOX_IDLE,
  requestedState,
} from '../../src/layout/mailbox.ts';
import * as map from '../../src/layout/map-entry.ts';

describe('control block', () => {
  test('its parts follow each other without overlap, and fill it', () => {
    const parts: [string, number, number][] = [
      ['roots', control.rootWord(0), control.ADDRESS_SPACE_COUNT_MAX],
      ['readers', control.readerWord(0), control.READER_COUNT_MAX * control.READER_STRIDE_WORDS],
      ['mailboxes', control.mailboxWord(0), control.READER_COUNT_MAX * control.MAILBOX_STRIDE_WORDS],
      ['hosts', control.deviceHostWord(0), control.DEVICE_HOST_COUNT_MAX * control.DEVICE_HOST_STRIDE_WORDS],
      ['deltas', control.WORD_DELTAS, DELTA_COUNT_MAX * DELTA_STRIDE_WORDS],
      ['bounce max', control.bounceMaxWord(0), control.ADDRESS_SPACE_COUNT_MAX],
      ['bounce used', control.bounceUsedWord(0), control.ADDRESS_SPACE_COUNT_MAX],
      ['holds', control.readerHoldsWord(0), control.READER_COUNT_MAX * control.READER_HOLDS_STRIDE_WORDS],
    ];
    let end = control.WORD_DELTA_COUNT + 1;
    for (const [name, start, words] of parts) {
      expect(start, name).toBeGreaterThanOrEqual(end);
      end = start + words;
    }
    expect(4 * end).toBe(control.CONTROL_BLOCK_BYTES);
  });

  test('every reader, mailbox and host has lines of its own', () => {
    for (const word of [control.readerWord, control.mailboxWord, control.deviceHostWord]) {
      expect((4 * word(0)) % 64).toBe(0);
      expect(4 * (word(1) - word(0))).toBe(128);
    }
  });

  test('deltas take their places in turn, also where their numbers wrap around', () => {
    expect(deltaWord(0)).toBe(control.WORD_DELTAS);
    expect(deltaWord(-1)).toBe(control.WORD_DELTAS + (DELTA_COUNT_MAX - 1) * DELTA_STRIDE_WORDS);
    expect(deltaWord(DELTA_COUNT_MAX + 1)).toBe(deltaWord(1));
  });

  test('a fresh block has its magic, an odd generation and all readers offline', () => {
    const words = control.createControlBlock();
    expect(words[control.WORD_MAGIC]).toBe(control.CONTROL_MAGIC);
    expect(words[control.WORD_GENERATION]! & 1).toBe(1);
    expect(words[control.readerWord(255) + control.READER_ANNOUNCED]).toBe(control.GENERATION_OFFLINE);
  });
});

describe('generations', () => {
  test.each([
    ['an offline reader holds nothing', 0, 7, true],
    ['the same generation', 7, 7, true],
    ['a later one', 9, 7, true],
    ['an earlier one', 5, 7, false],
    ['a later one, over 2^31', -0x7fffffff, 0x7fffffff, true],
    ['an earlier one, over 2^31', 0x7fffffff, -0x7fffffff, false],
    ['a later one, over 2^32', 1, -1, true],
    ['an earlier one, over 2^32', -1, 1, false],
  ])('%s', (_what, announced, generation, reached) => {
    expect(control.generationReached(announced, generation)).toBe(reached);
  });

  test('any reader less than 2^30 generations behind is seen to be behind', () => {
    const odd = fc.integer().map((value) => value | 1);
    fc.assert(
      fc.property(odd, fc.integer({ min: 1, max: 2 ** 30 - 1 }), (announced, behind) => {
        const generation = (announced + behind * control.GENERATION_STEP) | 0;
        expect(generation).not.toBe(control.GENERATION_OFFLINE);
        expect(control.generationReached(announced, generation)).toBe(false);
        expect(control.generationReached(generation, announced)).toBe(true);
      }),
    );
  });
});

describe('map entries', () => {
  const cells = fc.integer({ min: 1, max: 2 ** 27 - 1 });

  test('a node keeps its cell and level, a leaf its cell', () => {
    fc.assert(
      fc.property(cells, fc.integer({ min: 0, max: map.LEVEL_COUNT - 1 }), (cell, level) => {
        const node = map.nodeEntry(cell, level);
        expect([map.entryIsNode(node), map.entryCell(node), map.entryLevel(node)]).toEqual([
          true,
          cell,
          level,
        ]);
        const leaf = map.leafEntry(cell);
        expect([map.entryIsNode(leaf), map.entryCell(leaf)]).toEqual([false, cell]);
        expect(leaf).not.toBe(0);
      }),
    );
  });

  test('the index into a node is the four bits of its level', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (address) => {
        const hi = Number(address >> 32n) | 0;
        const lo = Number(address & 0xffff_ffffn) | 0;
        for (let level = 0; level < map.LEVEL_COUNT; level += 1) {
          expect(map.indexAt(hi, lo, level)).toBe(Number((address >> BigInt(4 * level)) & 15n));
        }
      }),
    );
  });

  test('poison is a node of no level, and its cell lies beyond any arena', () => {
    expect(map.entryIsNode(map.POISON)).toBe(true);
    expect(map.entryLevel(map.POISON)).toBeGreaterThanOrEqual(map.LEVEL_COUNT);
    expect(map.entryCell(map.POISON) * map.CELL_BYTES).toBeGreaterThan(2 ** 31);
  });
});

describe('mailboxes', () => {
  test('a doorbell has a bit for each of 32 slots, then begins again', () => {
    const bits = Array.from({ length: DOORBELL_BITS }, (_, slot) => doorbellBit(slot));
    expect(new Set(bits).size).toBe(DOORBELL_BITS);
    expect(bits.reduce((all, bit) => all | bit, 0)).toBe(-1);
    expect(doorbellBit(35)).toBe(doorbellBit(3));
  });
  test('a request names its host and is neither idle nor answered', () => {
    const states = Array.from({ length: control.DEVICE_HOST_COUNT_MAX }, (_, host) => requestedState(host));
    expect(new Set([...states, MAILBOX_IDLE, MAILBOX_ANSWERED]).size).toBe(states.length + 2);
  });
});
