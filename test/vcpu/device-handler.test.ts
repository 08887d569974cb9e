import { describe, expect, test } from 'vitest';
import { fullAccessRules } from '../../src/base/access-rules.ts';
import type { DeviceCallbacks } from '../../src/base/device-binding.ts';
import { MEMTX_ERROR, MEMTX_OK } from '../../src/base/mem-tx-result.ts';
import { DeviceHandler } from '../../src/vcpu/device-handler.ts';
import { type DeviceReport, REPORTS_IN_FULL } from '../../src/vcpu/failure-reports.ts';

const reports: DeviceReport[] = [];
function handlerOf(read: () => unknown, write: () => unknown = () => {}): DeviceHandler {
  reports.length = 0;
  const callbacks = { read, write } as DeviceCallbacks;
  const handled = { device: 5, regionName: 'uart', callbacks, rules: fullAccessRules(), guard: null };
  return new DeviceHandler(handled, 2, (report) => reports.push(report));
}

test.each([
  [0xff, 1, 0xff],
  [-1, 1, 0xff],
  [0x1ff, 1, 0xff],
  [-1, 2, 0xffff],
  [0x1_2345, 2, 0x2345],
  [-1, 4, -1],
  [0xffff_ffff, 4, -1],
  [0x8000_0000, 4, -0x8000_0000],
  [0x7_1234_5678, 4, 0x1234_5678],
  [-0, 4, 0],
])('an answer of %d to %d bytes is %d: its low bytes count', (answer, size, value) => {
  const handler = handlerOf(() => answer);
  expect(handler.read(0, size, 0)).toBe(value);
  expect(handler.result).toBe(MEMTX_OK);
  expect(reports).toEqual([]);
});

describe('what is not an integer', () => {
  test.each<[string, () => unknown]>([
    ['NaN', () => Number.NaN],
    ['1.5', () => 1.5],
    ['Infinity', () => Number.POSITIVE_INFINITY],
    ["the string '7'", () => '7'],
    ['a bigint', () => 7n],
    ['undefined', () => undefined],
    ['null', () => null],
    ['boolean', () => true],
    ['symbol', () => Symbol('x')],
    ['function', () => () => 1],
    ['object', () => ({ valueOf: () => 1 })],
    ['a promise', () => Promise.reject(new Error('nobody waits for this'))],
  ])('%s gives MEMTX_ERROR and 0', (name, read) => {
    const handler = handlerOf(read);
    expect(handler.read(4, 2, 0)).toBe(0);
    expect(handler.result).toBe(MEMTX_ERROR);
    expect(reports).toEqual([
      expect.objectContaining({
        device: 5,
        regionName: 'uart',
        vcpu: 2,
        offset: 4,
        size: 2,
        isWrite: false,
        stack: null,
        count: 1,
      }),
    ]);
    expect(reports[0]!.problem).toContain(`its read handler answered ${name}`);
  });
});

test('a handler that throws an error is reported with its message and stack', () => {
  const handler = handlerOf(
    () => 0,
    () => {
      throw new RangeError('smoke');
    },
  );
  handler.write(8, 4, 1, 0, 0);
  expect(handler.result).toBe(MEMTX_ERROR);
  expect(reports[0]).toMatchObject({
    offset: 8,
    size: 4,
    isWrite: true,
    problem: 'its write handler threw: smoke',
  });
  expect(reports[0]!.stack).toContain('device-handler.test.ts');
});

test('an asynchronous write handler is an error, any other answer to a write is not', async () => {
  const rejecting = handlerOf(
    () => 0,
    () => Promise.reject(new Error('nobody waits for this')),
  );
  rejecting.write(0, 1, 1, 0, 0);
  expect(rejecting.result).toBe(MEMTX_ERROR);
  for (const answer of [0, 'text', null, {}]) {
    const handler = handlerOf(
      () => 0,
      () => answer,
    );
    handler.write(0, 1, 1, 0, 0);
    expect(handler.result).toBe(MEMTX_OK);
  }
});

test('the first reports of a device come in full, later ones at powers of two with the count', () => {
  const handler = handlerOf(() => Number.NaN);
  for (let i = 0; i < 1000; i += 1) handler.read(0, 4, 0);
  const first = Array.from({ length: REPORTS_IN_FULL }, (_, i) => i + 1);
  expect(reports.map(({ count }) => count)).toEqual([...first, 32, 64, 128, 256, 512]);
});
