/**
 * What devices answer. A device is a caller that runs in the middle of a guest's access: whatever it returns or
 * throws, the access ends with a result, and the next one finds the device as if nothing had been.
 */
import { types } from 'node:util';
import fc from 'fast-check';
import { fullAccessRules } from '../../src/base/access-rules.ts';
import type { AnyDeviceCallbacks } from '../../src/base/device-binding.ts';
import { MEMTX_OK, memTxFailure } from '../../src/base/mem-tx-result.ts';
import { DeviceHandler, ReentrancyGuard } from '../../src/vcpu/device-handler.ts';
import type { DeviceReport } from '../../src/vcpu/failure-reports.ts';
import { anyValue, literal, Recipe } from './hostile.ts';
import { type FuzzTarget, must } from './target.ts';

/** What only a device would do: to be asynchronous, to fail strangely, to be something else when looked at. */
const strange: readonly Recipe<unknown>[] = [
  new Recipe('a promise that rejects', () => Promise.reject(new Error('late'))),
  new Recipe('a promise whose catch throws', () => {
    const promise = Promise.resolve();
    promise.catch = () => {
      throw new Error('no catch');
    };
    return promise;
  }),
  new Recipe('a thenable', () =>
    Object.defineProperty({}, 'then', {
      get: () => {
        throw new Error('no then');
      },
    }),
  ),
  new Recipe('a revoked proxy', () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    return proxy;
  }),
  new Recipe('a proxy without prototype', () => {
    return new Proxy(
      {},
      {
        getPrototypeOf: () => {
          throw new Error('no prototype');
        },
      },
    );
  }),
  new Recipe('an error whose message throws', () =>
    Object.defineProperty(new Error('x'), 'message', {
      get: () => {
        throw new Error('no message');
      },
    }),
  ),
  new Recipe('an error whose message is a symbol', () =>
    Object.assign(new Error('x'), { message: Symbol('message'), stack: 7 }),
  ),
  new Recipe('an error without prototype', () => Object.setPrototypeOf(new Error('x'), null)),
  new Recipe('a failure', () => memTxFailure(6)),
  new Recipe('a forged failure', () =>
    Object.assign(Object.create(Object.getPrototypeOf(memTxFailure(1))), { result: 'x' }),
  ),
];

interface Behaviour {
  readonly how: 'returns' | 'throws' | 'is';
  readonly what: Recipe<unknown>;
}

const behaviour: fc.Arbitrary<Behaviour> = fc.record({
  how: fc.constantFrom('returns', 'returns', 'throws', 'is'),
  what: fc.oneof(anyValue, fc.constantFrom(...strange), fc.integer().map(literal)),
});

const NAMES = ['read', 'write', 'read64', 'write64', 'readWithAttrs', 'writeWithAttrs', 'accepts'] as const;

/** `accepts` is rare: most of its answers refuse the access. */
const device = fc.record({
  behaviours: fc.record(
    Object.fromEntries(NAMES.map((name) => [name, behaviour])) as Record<
      (typeof NAMES)[number],
      typeof behaviour
    >,
    { requiredKeys: ['read', 'write', 'read64', 'write64', 'readWithAttrs', 'writeWithAttrs'] },
  ),
  withAttrs: fc.boolean(),
  accepts: fc.integer({ min: 0, max: 7 }).map((n) => n === 0),
  guarded: fc.boolean(),
  impl: fc.constantFrom(undefined, { max: 8 as const }, { min: 4 as const }, { max: 1 as const }),
  big: fc.boolean(),
});

const access = fc.record({
  size: fc.constantFrom(1, 2, 4, 8),
  offset: fc.nat(40),
  isWrite: fc.boolean(),
  value: fc.integer(),
});

interface Switch {
  hostile: boolean;
}

/** Behaves as drawn while the switch is on, and as a device that answers 0x5a otherwise. */
function callbacksFrom(
  {
    behaviours,
    withAttrs,
    accepts,
  }: { behaviours: Partial<Record<string, Behaviour>>; withAttrs: boolean; accepts: boolean },
  state: Switch,
): AnyDeviceCallbacks {
  const callbacks: Record<string, unknown> = {};
  for (const name of NAMES) {
    if (name === 'accepts' && !accepts) continue;
    if ((name === 'read' || name === 'write') && withAttrs) continue;
    if (name.endsWith('WithAttrs') && !withAttrs) continue;
    const drawn = behaviours[name];
    if (drawn === undefined) continue;
    const { how, what } = drawn;
    const good = (): unknown =>
      name === 'accepts' ? true : name === 'read64' ? 0x5an : name.startsWith('read') ? 0x5a : undefined;
    const call = (): unknown => {
      if (!state.hostile) return good();
      const value = what.make(undefined);
      if (how === 'throws') throw value;
      return value;
    };
    if (how === 'is' && name !== 'accepts' && name !== 'readWithAttrs') {
      Object.defineProperty(callbacks, name, {
        get: () => {
          if (!state.hostile) return call;
          const value = what.make(undefined);
          if (types.isPromise(value)) value.then(undefined, () => {}); // nobody's answer
          return value;
        },
      });
    } else callbacks[name] = call;
  }
  return callbacks as unknown as AnyDeviceCallbacks;
}

export const deviceAnswers: FuzzTarget = {
  name: 'devices',
  property:
    'whatever a device returns or throws, each access ends with an integer and a MemTxResult, and the device answers again afterwards',
  quickCases: 800,
  make: () =>
    fc.property(device, fc.array(access, { minLength: 1, maxLength: 6 }), (drawn, accesses) => {
      const state: Switch = { hostile: true };
      const reports: DeviceReport[] = [];
      const rules = fullAccessRules({
        ...(drawn.impl === undefined ? {} : { impl: drawn.impl }),
        endianness: drawn.big ? 'big' : 'little',
      });
      const guard = drawn.guarded ? new ReentrancyGuard() : null;
      const handled = {
        device: 1,
        regionName: 'hostile',
        callbacks: callbacksFrom(drawn, state),
        rules,
        guard,
      };
      const handler = new DeviceHandler(handled, 0, (report) => reports.push(report));
      for (const { size, offset, isWrite, value } of accesses) perform(handler, size, offset, isWrite, value);
      for (const { problem, stack } of reports) {
        must(typeof problem === 'string', 'a report says its problem in text');
        must(stack === null || typeof stack === 'string', 'a report has a stack or none');
      }
      state.hostile = false;
      const answered = handler.read(8, 4, 0);
      must(
        handler.result === MEMTX_OK,
        `a device that behaves again is heard, not refused with ${handler.result}`,
      );
      must(answered !== 0, `its answer is its own, not ${answered}`);
    }),
};

function perform(
  handler: DeviceHandler,
  size: number,
  offset: number,
  isWrite: boolean,
  value: number,
): void {
  if (isWrite) handler.write(offset, size, value >>> 0, value, 0);
  else {
    const low = handler.read(offset, size, 0);
    must(
      Number.isInteger(low) && Number.isInteger(handler.high),
      `a read gives integers, not ${String(low)}`,
    );
    must(handler.result === MEMTX_OK || low === 0, `a failed read gives 0, not ${low}`);
  }
  must(
    (handler.result & ~7) === 0 && Number.isInteger(handler.result),
    `a result is a mask, not ${handler.result}`,
  );
}
