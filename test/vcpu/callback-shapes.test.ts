/** Which devices a thread calls as methods, and that the others answer alike. */
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { fullAccessRules } from '../../src/base/access-rules.ts';
import type { AnyDeviceCallbacks } from '../../src/base/device-binding.ts';
import { MEMTX_ERROR, MEMTX_OK } from '../../src/base/mem-tx-result.ts';
import type { DeviceReport } from '../../src/vcpu/failure-reports.ts';

/** Registers in an object of a shape of its own: what it keeps is found by `this`. */
function device(field: string): AnyDeviceCallbacks {
  return {
    [field]: 0,
    read(this: Record<string, number>, offset: number): number {
      return this[field]! + offset;
    },
    write(this: Record<string, number>, _offset: number, value: number): void {
      this[field] = value;
    },
  } as unknown as AnyDeviceCallbacks;
}

class Timer {
  read(): number {
    return 1;
  }
  write(): void {}
}

const FIRST = ['a', 'b', 'c', 'd'];

beforeEach(() => void vi.resetModules()); // the shapes are those of the thread
/** `npm run coverage` loads modules as Node does, once. */
const hasFreshModules = process.env['NODE_V8_COVERAGE'] === undefined;

describe('called as methods are', () => {
  test('the first four shapes, however many devices have them', async () => {
    const { areCalledAsMethods } = await import('../../src/vcpu/callback-shapes.ts');
    for (const field of [...FIRST, ...FIRST]) expect(areCalledAsMethods(device(field))).toBe(true);
    expect(areCalledAsMethods(device('e'))).toBe(false);
    expect(areCalledAsMethods(device('e'))).toBe(false);
    expect(areCalledAsMethods(device('d'))).toBe(true);
  });

  test.runIf(hasFreshModules)('classes, each a shape though its objects have no properties', async () => {
    const { areCalledAsMethods } = await import('../../src/vcpu/callback-shapes.ts');
    const classes = Array.from({ length: 5 }, () => class extends Timer {});
    expect(classes.map((Class) => areCalledAsMethods(new Class()))).toEqual([true, true, true, true, false]);
    expect(areCalledAsMethods(new classes[0]!())).toBe(true);
  });

  test('devices that are not called in this thread, which take no place', async () => {
    const { areCalledAsMethods, NO_CALLBACKS } = await import('../../src/vcpu/callback-shapes.ts');
    expect(areCalledAsMethods(NO_CALLBACKS)).toBe(true);
    expect(FIRST.map((field) => areCalledAsMethods(device(field)))).toEqual([true, true, true, true]);
    expect(areCalledAsMethods(NO_CALLBACKS)).toBe(true);
  });
});

test('devices of ten shapes answer from what is theirs, and fail alone', async () => {
  const { DeviceHandler } = await import('../../src/vcpu/device-handler.ts');
  const reports: DeviceReport[] = [];
  const handlerOf = (callbacks: AnyDeviceCallbacks) => {
    const handled = { device: 0, regionName: 'r', callbacks, rules: fullAccessRules(), guard: null };
    return new DeviceHandler(handled, 0, (report) => reports.push(report));
  };
  const handlers = [...'abcdefghij'].map((field) => handlerOf(device(field)));
  for (const [at, handler] of handlers.entries()) handler.write(0, 4, 100 * at, 0, 0);
  expect(handlers.map((handler) => handler.read(8, 4, 0))).toEqual(handlers.map((_, at) => 100 * at + 8));
  expect(handlers.every(({ result }) => result === MEMTX_OK)).toBe(true);
  const broken = handlerOf({
    ...device('k'),
    read: () => {
      throw new Error('no clock');
    },
  } as AnyDeviceCallbacks);
  expect([broken.read(0, 4, 0), broken.result]).toEqual([0, MEMTX_ERROR]);
  expect(reports.map(({ problem }) => problem)).toEqual(['its read handler threw: no clock']);
});
