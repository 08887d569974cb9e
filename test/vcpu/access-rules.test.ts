/**
 * Every combination of access size, implemented sizes, valid sizes, byte order and alignment, against the literal
 * model of the specification; then what the model does not say: bytes of real devices, attributes, refusals.
 */
import { describe, expect, test } from 'vitest';
import { type AccessRules, type AccessSize, fullAccessRules } from '../../src/base/access-rules.ts';
import type { AnyDeviceCallbacks } from '../../src/base/device-binding.ts';
import { MemoryError } from '../../src/base/errors.ts';
import {
  MEMTX_ACCESS_ERROR,
  MEMTX_DECODE_ERROR,
  MEMTX_ERROR,
  MEMTX_OK,
  memTxFailure,
} from '../../src/base/mem-tx-result.ts';
import { DeviceHandler, ReentrancyGuard } from '../../src/vcpu/device-handler.ts';
import { bulkAccessSize } from '../../src/vcpu/device-route.ts';
import type { DeviceReport } from '../../src/vcpu/failure-reports.ts';
import { type ModelCall, modelAccess } from '../support/access-model.ts';

const SIZES: readonly AccessSize[] = [1, 2, 4, 8];
const OPTIONAL_SIZES: readonly (AccessSize | undefined)[] = [undefined, 1, 2, 4, 8];
const VALUE = 0x8877_6655_4433_2211n;

const sizes = (min?: AccessSize, max?: AccessSize, unaligned = false) => ({
  ...(min !== undefined && { min }),
  ...(max !== undefined && { max }),
  unaligned,
});

const reports: DeviceReport[] = [];
function handlerOf(
  callbacks: AnyDeviceCallbacks,
  access: AccessRules = {},
  guard: ReentrancyGuard | null = null,
): DeviceHandler {
  reports.length = 0;
  const handled = { device: 1, regionName: 'chip', callbacks, rules: fullAccessRules(access), guard };
  return new DeviceHandler(handled, 0, (report) => reports.push(report));
}

const half = (value: bigint): number => Number(BigInt.asIntN(32, value));

function read(handler: DeviceHandler, offset: number, size: number, attrs = 0): bigint {
  const low = BigInt(handler.read(offset, size, attrs));
  if (size === 8) return BigInt.asUintN(64, (BigInt(handler.high) << 32n) | BigInt.asUintN(32, low));
  return BigInt.asUintN(8 * size, low);
}

function write(handler: DeviceHandler, offset: number, size: number, value: bigint, attrs = 0): void {
  const low = BigInt.asUintN(8 * Math.min(size, 4), value);
  handler.write(offset, size, Number(low), half(value >> 32n), attrs);
}

/** Notes its calls; answers with more bits than were asked for, which must not matter. */
class Recorder {
  readonly calls: ModelCall[] = [];
  answer(offset: number, size: number): bigint {
    return BigInt.asUintN(64, VALUE * BigInt(offset + 1) * BigInt(size));
  }
  read(offset: number, size: number): number {
    this.calls.push({ offset, size, value: null });
    return half(this.answer(offset, size));
  }
  write(offset: number, value: number, size: number): void {
    this.calls.push({ offset, size, value: BigInt(value) });
  }
  read64(offset: number): bigint {
    this.calls.push({ offset, size: 8, value: null });
    return this.answer(offset, 8);
  }
  write64(offset: number, value: bigint): void {
    this.calls.push({ offset, size: 8, value });
  }
}

function* legalRules(): Iterable<AccessRules> {
  const pairs = OPTIONAL_SIZES.flatMap((min) => OPTIONAL_SIZES.map((max) => [min, max] as const)).filter(
    ([min, max]) => max === undefined || (min ?? 0) <= max,
  );
  for (const [validMin, validMax] of pairs)
    for (const [implMin, implMax] of pairs)
      for (const unaligned of [false, true])
        for (const endianness of ['little', 'big'] as const)
          yield {
            valid: sizes(validMin, validMax, unaligned),
            impl: sizes(implMin, implMax, unaligned),
            endianness,
          };
}

describe('an access of every size at every alignment, by every rule, is made as the specification says', () => {
  const rules = [...legalRules()];

  test('there are as many rules as sizes can be combined', () => {
    expect(rules).toHaveLength(19 * 19 * 2 * 2); // 19 pairs of a smallest and a largest size
  });

  test.each(['read', 'write'] as const)('%s', (direction) => {
    let made = 0;
    for (const access of rules) {
      const recorder = new Recorder();
      const handler = handlerOf(recorder, access);
      const full = fullAccessRules(access);
      for (const size of SIZES) {
        for (let offset = 16; offset < 24; offset += 1) {
          recorder.calls.length = 0;
          const isRead = direction === 'read';
          const answer = (at: number, step: number) => recorder.answer(at, step);
          const expected = modelAccess(full, offset, size, answer, isRead ? null : VALUE);
          if (!isRead) write(handler, offset, size, VALUE);
          const value = isRead ? read(handler, offset, size) : 0n;
          const seen = { calls: recorder.calls, value, result: handler.result };
          // One comparison a case would take most of the time: look closer only where something differs.
          if (JSON.stringify(seen, asText) !== JSON.stringify(expected, asText))
            expect({ access, offset, size, ...seen }).toEqual({ access, offset, size, ...expected });
          made += 1;
        }
      }
    }
    expect(made).toBe(rules.length * SIZES.length * 8);
  });
});

const asText = (_key: string, value: unknown): unknown =>
  typeof value === 'bigint' ? value.toString(16) : value;

describe('the bytes at ascending addresses are those of the device, whatever its order and step', () => {
  /** Registers of `step` bytes in `order`, over plain bytes. */
  function registersOver(bytes: Uint8Array, order: 'little' | 'big'): AnyDeviceCallbacks {
    const view = new DataView(bytes.buffer);
    const little = order === 'little';
    return {
      read: (offset, size) =>
        size === 1
          ? view.getUint8(offset)
          : size === 2
            ? view.getUint16(offset, little)
            : view.getUint32(offset, little),
      write(offset, value, size) {
        if (size === 1) view.setUint8(offset, value);
        else if (size === 2) view.setUint16(offset, value, little);
        else view.setUint32(offset, value, little);
      },
      read64: (offset) => view.getBigUint64(offset, little),
      write64: (offset, value) => view.setBigUint64(offset, value, little),
    };
  }

  test.each((['little', 'big'] as const).flatMap((order) => SIZES.map((max) => [order, max] as const)))(
    '%s-endian, %d bytes a call',
    (endianness, max) => {
      for (const size of SIZES) {
        const bytes = Uint8Array.from({ length: 16 }, (_, i) => 0x10 + i);
        const handler = handlerOf(registersOver(bytes, endianness), { endianness, impl: { max } });
        const little = new DataView(bytes.buffer).getBigUint64(8, true);
        expect(read(handler, 8, size)).toBe(BigInt.asUintN(8 * size, little));
        write(handler, 8, size, VALUE);
        expect(new DataView(bytes.buffer).getBigUint64(8, true) & ((1n << BigInt(8 * size)) - 1n)).toBe(
          BigInt.asUintN(8 * size, VALUE),
        );
        expect([...bytes.subarray(0, 8)]).toEqual([0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17]);
      }
    },
  );
});

describe('quirks that are kept', () => {
  test('Q5: without a largest size the smallest is not looked at', () => {
    const handler = handlerOf(new Recorder(), { valid: { min: 4 } });
    read(handler, 1, 1);
    expect(handler.result).toBe(MEMTX_OK);
    const bounded = handlerOf(new Recorder(), { valid: { min: 4, max: 4 } });
    read(bounded, 1, 1);
    expect(bounded.result).toBe(MEMTX_DECODE_ERROR);
  });

  test('Q6: a widened access is neither aligned nor merged with what was there', () => {
    const recorder = new Recorder();
    const handler = handlerOf(recorder, { impl: { min: 4 } });
    write(handler, 3, 1, 0xabn);
    read(handler, 3, 1);
    expect(recorder.calls).toEqual([
      { offset: 3, size: 4, value: 0xabn },
      { offset: 3, size: 4, value: null },
    ]);
  });

  test.each<[string, AccessRules, number, number, number]>([
    ['by the largest valid size, 4 where it is not said', {}, 0, 8, 4],
    ['8 where 8 are valid', { valid: { max: 8 } }, 0, 9, 8],
    ['1 where no more is valid', { valid: { max: 1 } }, 0, 8, 1],
    ['aligned within the region', {}, 2, 8, 2],
    ['never more than is left', {}, 4, 3, 2],
    [
      'not aligned where the callbacks implement that',
      { valid: { unaligned: true }, impl: { unaligned: true } },
      3,
      8,
      4,
    ],
    ['Q7: never widened to the smallest valid size', { valid: { min: 4, max: 4 } }, 0, 2, 2],
  ])('bulk accesses are %s', (_what, access, offset, left, expected) => {
    expect(bulkAccessSize(fullAccessRules(access), offset, left)).toBe(expected);
  });
});

describe('callbacks with attributes', () => {
  const ATTRS = 0x1234_0006;

  test('see them, and may refuse single accesses', () => {
    const seen: unknown[] = [];
    const handler = handlerOf({
      readWithAttrs(offset, size, attrs) {
        seen.push(['r', offset, size, attrs]);
        return offset === 0 ? 7 : memTxFailure(MEMTX_ACCESS_ERROR);
      },
      writeWithAttrs(offset, value, size, attrs) {
        seen.push(['w', offset, value, size, attrs]);
        return offset === 0 ? undefined : MEMTX_DECODE_ERROR;
      },
    });
    expect([read(handler, 0, 4, ATTRS), handler.result]).toEqual([7n, MEMTX_OK]);
    expect([read(handler, 4, 4, ATTRS), handler.result]).toEqual([0n, MEMTX_ACCESS_ERROR]);
    write(handler, 0, 2, 9n, ATTRS);
    expect(handler.result).toBe(MEMTX_OK);
    write(handler, 2, 2, 9n, ATTRS);
    expect(handler.result).toBe(MEMTX_DECODE_ERROR);
    expect(seen).toEqual([
      ['r', 0, 4, ATTRS],
      ['r', 4, 4, ATTRS],
      ['w', 0, 9, 2, ATTRS],
      ['w', 2, 9, 2, ATTRS],
    ]);
    expect(reports).toEqual([]);
  });

  test('results of several calls are OR-ed, and the value has what was read', () => {
    const handler = handlerOf({
      readWithAttrs: (offset) =>
        offset === 0 ? 0x11 : memTxFailure(offset === 4 ? MEMTX_ERROR : MEMTX_DECODE_ERROR),
      writeWithAttrs: (offset) => (offset === 0 ? MEMTX_OK : MEMTX_ACCESS_ERROR),
    });
    expect([read(handler, 0, 8), handler.result]).toEqual([0x11n, MEMTX_ERROR]);
    write(handler, 0, 8, VALUE);
    expect(handler.result).toBe(MEMTX_ACCESS_ERROR);
  });

  test('that return what is no result are reported', () => {
    const handler = handlerOf({ readWithAttrs: () => 0, writeWithAttrs: () => 'fine' as never });
    write(handler, 0, 4, 1n);
    expect([handler.result, reports[0]?.problem]).toEqual([
      MEMTX_ERROR,
      "its write handler returned the string 'fine'; integers only",
    ]);
  });

  test('read64 that answers with a number is reported: it could not be exact', () => {
    const handler = handlerOf(
      { read: () => 0, write: () => {}, read64: () => 5 as never, write64: () => {} },
      { impl: { max: 8 } },
    );
    expect([read(handler, 0, 8), handler.result]).toEqual([0n, MEMTX_ERROR]);
    expect(reports[0]?.problem).toContain('its read handler answered 5');
  });

  test.each([0, 8, -1, 1.5])('there is no failure with result %d', (result) => {
    expect(() => memTxFailure(result)).toThrow(
      /INVALID_ARGUMENT: memTxFailure\(.*\): give an OR of MEMTX_ERROR/,
    );
  });
});

describe('accepts', () => {
  test('is asked before any other rule, with all of the access, and its no reaches no callback', () => {
    const asked: unknown[] = [];
    const recorder = Object.assign(new Recorder(), {
      accepts(offset: number, size: number, isWrite: boolean, attrs: number) {
        asked.push([offset, size, isWrite, attrs]);
        return offset !== 4;
      },
    });
    const handler = handlerOf(recorder);
    read(handler, 0, 4, 2);
    expect(handler.result).toBe(MEMTX_OK);
    write(handler, 4, 4, 1n, 3);
    expect(handler.result).toBe(MEMTX_DECODE_ERROR);
    read(handler, 1, 2, 4); // not aligned: asked all the same
    expect(handler.result).toBe(MEMTX_DECODE_ERROR);
    expect(asked).toEqual([
      [0, 4, false, 2],
      [4, 4, true, 3],
      [1, 2, false, 4],
    ]);
    expect(recorder.calls).toHaveLength(1);
  });

  test('that throws fails the access and is reported', () => {
    const handler = handlerOf({
      read: () => 1,
      write: () => {},
      accepts() {
        throw new Error('no idea');
      },
    });
    expect([read(handler, 0, 4), handler.result]).toEqual([0n, MEMTX_ERROR]);
    expect(reports[0]?.problem).toBe('its accepts handler threw: no idea');
  });
});

describe('the re-entrancy guard', () => {
  const chained = (guards: readonly [ReentrancyGuard | null, ReentrancyGuard | null]) => {
    const inner = handlerOf({ read: () => 42, write: () => {} }, {}, guards[1]);
    const outer = handlerOf({ read: () => inner.read(0, 4, 0), write: () => {} }, {}, guards[0]);
    return { inner, outer };
  };

  test('denies an access to the owner from inside one, and reports it', () => {
    const guard = new ReentrancyGuard();
    const { inner, outer } = chained([guard, guard]);
    expect([outer.read(0, 4, 0), outer.result]).toEqual([0, MEMTX_OK]);
    expect(inner.result).toBe(MEMTX_ACCESS_ERROR);
    expect(reports.map(({ problem }) => problem)).toEqual([
      'it was accessed from inside an access to its own owner',
    ]);
    expect([inner.read(0, 4, 0), inner.result]).toEqual([42, MEMTX_OK]); // the access before is over
  });

  test.each<[string, () => [ReentrancyGuard | null, ReentrancyGuard | null]]>([
    ['of another owner', () => [new ReentrancyGuard(), new ReentrancyGuard()]],
    ['that opted out', () => [new ReentrancyGuard(), null]],
  ])('lets an access to a device %s pass', (_what, guards) => {
    const { outer } = chained(guards());
    expect([outer.read(0, 4, 0), outer.result]).toEqual([42, MEMTX_OK]);
    expect(reports).toEqual([]);
  });

  test('ends with an access that throws', () => {
    const guard = new ReentrancyGuard();
    const handler = handlerOf(
      {
        read() {
          throw new Error('smoke');
        },
        write: () => {},
      },
      {},
      guard,
    );
    handler.read(0, 4, 0);
    expect([handler.result, guard.engaged]).toEqual([MEMTX_ERROR, false]);
  });
});

describe('rules that contradict each other, or are none, are refused', () => {
  test.each<[unknown, string]>([
    [{ valid: { min: 3 } }, 'access rules: valid.min must be 1, 2, 4 or 8, got 3'],
    [{ impl: { max: 16 } }, 'access rules: impl.max must be 1, 2, 4 or 8, got 16'],
    [{ valid: { min: 4, max: 2 } }, 'valid.min 4 is larger than valid.max 2'],
    [{ impl: { unaligned: true } }, 'impl.unaligned without valid.unaligned'],
    [{ endianness: 'middle' }, "endianness must be 'little', 'big' or 'native', got 'middle'"],
  ])('%j', (rules, message) => {
    expect(() => fullAccessRules(rules as AccessRules)).toThrow(MemoryError);
    expect(() => fullAccessRules(rules as AccessRules)).toThrow(message);
  });
});
