import { expect, test } from 'vitest';
import {
  MEMTXATTRS_DEBUG,
  MEMTXATTRS_MEMORY,
  MEMTXATTRS_NONE,
  MEMTXATTRS_SECURE,
  MEMTXATTRS_UNSPECIFIED,
  MEMTXATTRS_USER,
  memTxAttrs,
  pidOfAttrs,
  requesterIdOfAttrs,
  spaceOfAttrs,
} from '../../src/base/mem-tx-attrs.ts';

test('nothing said is not the same as all clear', () => {
  expect(memTxAttrs({})).toBe(MEMTXATTRS_NONE);
  expect(MEMTXATTRS_UNSPECIFIED).not.toBe(MEMTXATTRS_NONE);
});

test('flags are bits of their own', () => {
  const flags = [MEMTXATTRS_SECURE, MEMTXATTRS_USER, MEMTXATTRS_MEMORY, MEMTXATTRS_DEBUG];
  expect(memTxAttrs({ secure: true, user: true, memory: true, debug: true })).toBe(
    flags.reduce((all, flag) => all | flag, 0),
  );
  expect(new Set([...flags, MEMTXATTRS_UNSPECIFIED]).size).toBe(5);
});

test.each([
  [{ space: 3, pid: 255, requesterId: 65_535 }, [3, 255, 65_535]],
  [{ space: 1, pid: 2, requesterId: 0x8001 }, [1, 2, 0x8001]],
  [{ secure: true, requesterId: 7 }, [0, 0, 7]],
])('the numbers of %j come out as they went in, as an int32', (fields, expected) => {
  const attrs = memTxAttrs(fields);
  expect([spaceOfAttrs(attrs), pidOfAttrs(attrs), requesterIdOfAttrs(attrs)]).toEqual(expected);
  expect(attrs | 0).toBe(attrs);
});

test.each([
  [{ space: 4 }, 'attribute space must be a whole number from 0 to 3, got 4'],
  [{ pid: -1 }, 'attribute pid must be a whole number from 0 to 255, got -1'],
  [{ requesterId: 1.5 }, 'attribute requesterId must be a whole number from 0 to 65535, got 1.5'],
])('%j is refused', (fields, message) => {
  expect(() => memTxAttrs(fields)).toThrow(`INVALID_ARGUMENT: ${message}`);
});
