import { beforeEach, describe, expect, test } from 'vitest';
import { GraceReader } from '../../src/grace/reader.ts';
import { GraceWriter } from '../../src/grace/writer.ts';
import {
  createControlBlock,
  GENERATION_FIRST,
  GENERATION_OFFLINE,
  GENERATION_STEP,
  READER_ANNOUNCED,
  READER_BEAT,
  readerWord,
  type SharedWords,
} from '../../src/layout/control-block.ts';

const SLOT = 5;
let words: SharedWords;
let writer: GraceWriter;
let reader: GraceReader;
beforeEach(() => {
  words = createControlBlock();
  writer = new GraceWriter(words);
  reader = new GraceReader(words, SLOT);
});

const announced = (): number => Atomics.load(words, readerWord(SLOT) + READER_ANNOUNCED);
const beats = (): number => words[readerWord(SLOT) + READER_BEAT]!;

describe('checkpoints', () => {
  test('a reader begins offline and announces the generation when it comes online', () => {
    expect(announced()).toBe(GENERATION_OFFLINE);
    expect(reader.isOnline).toBe(false);
    reader.online();
    expect(announced()).toBe(GENERATION_FIRST);
    expect(reader.isOnline).toBe(true);
    reader.offline();
    expect(announced()).toBe(GENERATION_OFFLINE);
    expect(reader.isOnline).toBe(false);
  });

  test('a checkpoint announces only what is new, and says so', () => {
    reader.online();
    const before = beats();
    expect(reader.quiescent()).toBe(false);
    expect(beats()).toBe(before);
    writer.advance();
    writer.advance();
    expect(reader.quiescent()).toBe(true);
    expect(announced()).toBe(GENERATION_FIRST + 2 * GENERATION_STEP);
    expect(beats()).toBe(before + 1);
    expect(reader.quiescent()).toBe(false);
  });

  test('coming online twice is a broken invariant', () => {
    reader.online();
    expect(() => reader.online()).toThrow('goes online once');
  });

  test('a checkpoint of an offline reader is a broken invariant: it would come online unseen', () => {
    expect(() => reader.quiescent()).toThrow('is online');
    expect(announced()).toBe(GENERATION_OFFLINE);
  });

  test('a reader writes only its own lines', () => {
    const before = words.slice();
    reader.online();
    writer.advance();
    reader.quiescent();
    reader.readLock();
    reader.readUnlock();
    reader.offline();
    const changed = [...words.keys()].filter((word) => words[word] !== before[word]);
    expect(changed.filter((word) => word !== 2)).toEqual([readerWord(SLOT) + READER_BEAT]);
  });
});

describe('read sections', () => {
  test('of an offline reader bring it online, and the outermost end takes it offline', () => {
    expect(reader.readLock()).toBe(true);
    expect(announced()).toBe(GENERATION_FIRST);
    expect(reader.readLock()).toBe(false);
    expect(reader.sectionDepth).toBe(2);
    reader.readUnlock();
    expect(announced()).toBe(GENERATION_FIRST);
    reader.readUnlock();
    expect(announced()).toBe(GENERATION_OFFLINE);
    expect(reader.sectionDepth).toBe(0);
  });

  test('of an online reader only count: it stays online after them', () => {
    reader.online();
    const before = beats();
    expect(reader.readLock()).toBe(false);
    reader.readUnlock();
    expect(reader.isOnline).toBe(true);
    expect(beats()).toBe(before);
  });

  test('inside one, at any depth, a checkpoint announces nothing', () => {
    reader.online();
    reader.readLock();
    writer.advance();
    expect(reader.quiescent()).toBe(false);
    reader.readLock();
    expect(reader.quiescent()).toBe(false);
    reader.readUnlock();
    expect(announced()).toBe(GENERATION_FIRST);
    reader.readUnlock();
    expect(reader.quiescent()).toBe(true);
  });

  test('a reader that comes online for a section announces the newest generation each time', () => {
    reader.readLock();
    reader.readUnlock();
    const generation = writer.advance();
    reader.readLock();
    expect(announced()).toBe(generation);
  });

  test('going offline inside one is a broken invariant', () => {
    reader.online();
    reader.readLock();
    expect(() => reader.offline()).toThrow('no read section is open');
    expect(announced()).toBe(GENERATION_FIRST);
  });

  test('one end too many is a broken invariant', () => {
    expect(() => reader.readUnlock()).toThrow('a read section is open');
    reader.readLock();
    reader.readUnlock();
    expect(() => reader.readUnlock()).toThrow('a read section is open');
    expect(reader.sectionDepth).toBe(0);
  });
});

describe('generations that wrap', () => {
  test.each([
    ['2^31', 0x7fffffff, -0x7fffffff],
    ['2^32', -1, 1],
  ])('at %s a reader announces what comes after', (_where, before, after) => {
    words[2] = before;
    reader.online();
    expect(announced()).toBe(before);
    expect(writer.advance()).toBe(after);
    expect(reader.quiescent()).toBe(true);
    expect(announced()).toBe(after);
    expect(reader.quiescent()).toBe(false);
  });
});
