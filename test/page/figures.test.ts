/** Numbers as people read them, events out of a stream, bounded series, and the picture of a grace period. */
import { describe, expect, test } from 'vitest';
import { addressFrom, paddedHexOf, powerOfTwoFrom, sizeText } from '../../src/http/page/addresses.js';
import { EventParser } from '../../src/http/page/event-parser.js';
import { pictureOf } from '../../src/http/page/grace-picture.js';
import { countText, LogScale, roundUp, timeText } from '../../src/http/page/quantities.js';
import { Series } from '../../src/http/page/series.js';

test.each([
  [0n, '0 B'],
  [80n, '80 B'],
  [4096n, '4 KiB'],
  [0xa0000n, '640 KiB'],
  [0x7f00001n, '127.0 MiB'],
  [1n << 64n, '16 EiB'],
])('%s bytes are %s', (bytes, text) => expect(sizeText(bytes)).toBe(text));

test.each([
  [0, '0'],
  [999, '999'],
  [38_123_456, '38.1 M'],
  [999_600, '1 M'],
])('%s is written %s', (value, text) => expect(countText(value)).toBe(text));

test.each([
  [4.25, '4.25 µs'],
  [312.4, '312 µs'],
  [1500, '1.5 ms'],
  [2_345_000, '2.35 s'],
])('%s µs are written %s', (micros, text) => expect(timeText(micros)).toBe(text));

test.each([
  ['0xfeb80000', 0xfeb8_0000n],
  ['FEB8_0000', 0xfeb8_0000n],
  [' 0000 ffff ', 0xffffn],
  ['', null],
  ['0x', null],
  ['12345678123456789', null],
  ['pci', null],
])('"%s" as an address is %s', (text, address) => expect(addressFrom(text)).toBe(address));

test('addresses are padded as the monitor does', () =>
  expect(paddedHexOf(0xa0000n)).toBe('00000000000a0000'));
test('powers of two', () =>
  expect([0n, 1n, 3n, 4096n, 4097n].map(powerOfTwoFrom)).toEqual([1n, 1n, 4n, 4096n, 8192n]));
test('scales end at 1, 2 or 5', () =>
  expect([0.3, 1, 48, 51, 1001].map(roundUp)).toEqual([0.5, 1, 50, 100, 2000]));

test('a slider of rates goes by equal factors up to "max", and back to where it was', () => {
  const scale = new LogScale(1, 10_000, 40);
  expect([scale.valueAt(0), scale.valueAt(39), scale.valueAt(40)]).toEqual([1, 10_000, 'max']);
  for (const rate of [1, 1000, 10_000, 'max'] as const)
    expect(scale.positionOf(rate)).toBeLessThanOrEqual(40);
  for (let position = 0; position <= 40; position += 8)
    expect(scale.positionOf(scale.valueAt(position))).toBe(position);
});

describe('events', () => {
  const text = 'retry: 1000\n\nevent: grace\ndata: {"count":1}\n\nevent: end\ndata: {}\n\n';
  test('are read however the stream is cut', () => {
    for (let cut = 0; cut <= text.length; cut += 1) {
      const parser = new EventParser();
      const events = [...parser.push(text.slice(0, cut)), ...parser.push(text.slice(cut))];
      expect(events).toEqual([
        { name: 'grace', data: { count: 1 } },
        { name: 'end', data: {} },
      ]);
    }
  });
  test('without an end are given up', () => {
    const parser = new EventParser();
    expect(() => parser.push('x'.repeat(5 * 2 ** 20))).toThrow('an event without end');
  });
});

test('a series keeps the newest', () => {
  const series = new Series(1, 3);
  for (let at = 0; at < 5; at += 1) series.push(at, at * 10);
  expect(series.columns).toEqual([
    [2, 3, 4],
    [20, 30, 40],
  ]);
  series.clear();
  expect(series.length).toBe(0);
});

describe('the picture of a grace period', () => {
  const period = { commit: 2, cause: 'client', generation: 5, samples: 9, waitingBytes: 640 } as const;
  test('says of each vCPU until when it was seen to hold on, and by when it had let go', () => {
    const readers = [
      { id: 0, heldUs: 0, passedUs: 0, how: 'offline' },
      { id: 1, heldUs: 20, passedUs: 40, how: 'announced' },
    ] as const;
    expect(pictureOf({ ...period, readers, elapsedUs: 45, freedUs: 44, isOver: true })).toEqual({
      scaleUs: 50,
      lanes: [
        { id: 0, held: 0, unknown: 0, how: 'offline' },
        { id: 1, held: 0.4, unknown: 0.8, how: 'announced' },
      ],
      freed: 0.88,
      now: null,
    });
  });
  test('goes no further than what was seen while it lasts', () => {
    const readers = [{ id: 0, heldUs: 900, passedUs: null, how: null }];
    const { lanes, now, freed, scaleUs } = pictureOf({
      ...period,
      readers,
      elapsedUs: 900,
      freedUs: null,
      isOver: false,
    });
    expect({ lanes, now, freed, scaleUs }).toEqual({
      ...{ scaleUs: 1000, now: 0.9, freed: null },
      lanes: [{ id: 0, held: 0.9, unknown: 0.9, how: null }],
    });
  });
});
