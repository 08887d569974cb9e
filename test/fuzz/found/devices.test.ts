/** What devices answered when a guarantee of the access that called them broke; found by `npm run fuzz`. */
import { describe, expect, test, vi } from 'vitest';
import { fullAccessRules } from '../../../src/base/access-rules.ts';
import type { DeviceCallbacks } from '../../../src/base/device-binding.ts';
import { MEMTX_ERROR, MEMTX_OK, memTxFailure } from '../../../src/base/mem-tx-result.ts';
import { CallbackIommu } from '../../../src/model/callback-iommu.ts';
import { MemoryRegion } from '../../../src/model/memory-region.ts';
import { DeviceHandler, ReentrancyGuard } from '../../../src/vcpu/device-handler.ts';
import type { DeviceReport } from '../../../src/vcpu/failure-reports.ts';
import { BenchMachine } from '../../support/bench-machine.ts';

const reports: DeviceReport[] = [];
function handlerOf(callbacks: object, guard: ReentrancyGuard | null = null): DeviceHandler {
  reports.length = 0;
  const handled = { device: 1, regionName: 'x', rules: fullAccessRules(), guard };
  return new DeviceHandler({ ...handled, callbacks: callbacks as DeviceCallbacks }, 0, (report) =>
    reports.push(report),
  );
}

const withoutPrototype = (): unknown =>
  new Proxy(
    {},
    {
      getPrototypeOf: () => {
        throw new Error('escaped');
      },
    },
  );

describe('asked for its class, an answer threw out of the guest’s access', () => {
  test.each([
    ['read', (handler: DeviceHandler) => handler.read(0, 4, 0)],
    ['write', (handler: DeviceHandler) => handler.write(0, 4, 1, 0, 0)],
  ])('%s', (_name, access) => {
    const guard = new ReentrancyGuard();
    const handler = handlerOf({ read: withoutPrototype, write: withoutPrototype }, guard);
    expect(() => access(handler)).not.toThrow();
    expect(guard.engaged, 'and kept every later access out').toBe(false);
  });
});

test('an error whose message throws, or is a symbol, threw out of the access that reported it', () => {
  const silent = Object.defineProperty(new Error('x'), 'message', { get: () => raise(new Error('escaped')) });
  const strange = Object.assign(new Error('x'), { message: Symbol('no text'), stack: 7 });
  for (const error of [silent, strange]) {
    const handler = handlerOf({ read: () => raise(error), write: () => {} });
    expect([handler.read(0, 4, 0), handler.result]).toEqual([0, MEMTX_ERROR]);
    expect(reports).toMatchObject([
      { stack: null, problem: expect.stringContaining('its read handler threw') },
    ]);
  }
});

test('a forged failure became the MemTxResult', () => {
  const forged = Object.assign(Object.create(Object.getPrototypeOf(memTxFailure(1))), { result: 'x' });
  const handler = handlerOf({ readWithAttrs: () => forged, writeWithAttrs: () => {} });
  expect([handler.read(0, 4, 0), handler.result]).toEqual([0, MEMTX_ERROR]);
});

test('accepts() that was asynchronous ended the thread when it rejected', async () => {
  const unhandled = vi.fn();
  process.on('unhandledRejection', unhandled);
  const accepts = (): Promise<boolean> => Promise.reject(new Error('late'));
  const handler = handlerOf({ read: () => 1, write: () => {}, accepts });
  expect([handler.read(0, 4, 0), handler.result]).toEqual([0, MEMTX_ERROR]);
  await new Promise((resolve) => setImmediate(resolve));
  process.off('unhandledRejection', unhandled);
  expect(unhandled).not.toHaveBeenCalled();
});

test('a promise with a catch() of its own threw out of the access', () => {
  const promise = Object.assign(Promise.resolve(1), { catch: () => raise(new Error('escaped')) });
  const handler = handlerOf({ read: () => promise, write: () => promise });
  expect([handler.read(0, 4, 0), handler.result]).toEqual([0, MEMTX_ERROR]);
});

test('a translator’s answer with a getter threw out of translate()', () => {
  const machine = new BenchMachine();
  const { space } = machine.show('memory', MemoryRegion.ram('ram', 0x1000));
  const module = new URL('../modules/translator.mjs', import.meta.url);
  const bus = MemoryRegion.iommu('iommu', 0x1_0000, new CallbackIommu([space], module));
  const { port } = machine.show('bus', bus);
  expect([port.read(0, 4), port.result]).toEqual([0, MEMTX_ERROR]);
  expect(machine.reports[0]!.problem).toBe('its translator threw: a getter');
  expect([port.read(0x1000, 4), port.result], 'later accesses are answered').toEqual([0, MEMTX_OK]);
  machine.close();
});

function raise(error: Error): never {
  throw error;
}
