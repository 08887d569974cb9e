/**
 * Which accesses a device takes, and in which form its callbacks are called: QEMU's MemoryRegionOps without
 * the callbacks. Plain data, so that it can be posted to any thread.
 * Guarantee of fullAccessRules(): sizes are 1, 2, 4, 8 or 0 (not said), and no rule contradicts another.
 */
import { describeValue, invalidArgument, optionsFromArgument } from './arguments.ts';
import type { MemoryError } from './errors.ts';

export type AccessSize = 1 | 2 | 4 | 8;
/** The order of a device's bytes; `native` is the machine's guestEndianness. */
export type Endianness = 'little' | 'big' | 'native';

export interface AccessSizes {
  /** Bytes; not given: 1. */
  readonly min?: AccessSize;
  /** Bytes. Not given: for `valid` any size, and the minimum is not looked at either; for `impl` 4. */
  readonly max?: AccessSize;
  /** Whether addresses may be no multiple of the size; false by default. */
  readonly unaligned?: boolean;
}

/** @source QEMU include/exec/memory.h, MemoryRegionOps */
export interface AccessRules {
  /** What the guest may do; everything else is a MEMTX_DECODE_ERROR and does not reach the device. */
  readonly valid?: AccessSizes;
  /** What the callbacks implement; wider accesses become several calls, narrower ones are widened. */
  readonly impl?: AccessSizes;
  /** `little` by default. The value that a callback sees, in this order, is the bytes at ascending addresses. */
  readonly endianness?: Endianness;
  /** Lets the device's own accesses to memory reach the device again; as every device without a lock may. */
  readonly disableReentrancyGuard?: boolean;
}

/** With all defaults filled in; 0 where a size was not given. */
export interface FullAccessRules {
  readonly validMin: number;
  readonly validMax: number;
  readonly validUnaligned: boolean;
  readonly implMin: number;
  readonly implMax: number;
  readonly implUnaligned: boolean;
  readonly endianness: Endianness;
  readonly disableReentrancyGuard: boolean;
}

const isSize = (value: unknown): boolean => value === 1 || value === 2 || value === 4 || value === 8;

/** @throws MemoryError INVALID_ARGUMENT naming the field and its legal values */
export function fullAccessRules(rules: AccessRules = {}): FullAccessRules {
  optionsFromArgument('access rules', rules);
  const valid = fullSizes('valid', rules.valid);
  const impl = fullSizes('impl', rules.impl);
  const endianness = rules.endianness ?? 'little';
  if (!['little', 'big', 'native'].includes(endianness)) {
    throw invalid(`endianness must be 'little', 'big' or 'native', got ${describeValue(endianness)}`);
  }
  if (impl.unaligned && !valid.unaligned) {
    throw invalid('impl.unaligned without valid.unaligned: no unaligned access would ever reach the device');
  }
  return {
    validMin: valid.min,
    validMax: valid.max,
    validUnaligned: valid.unaligned,
    implMin: impl.min,
    implMax: impl.max,
    implUnaligned: impl.unaligned,
    endianness,
    disableReentrancyGuard: rules.disableReentrancyGuard ?? false,
  };
}

function fullSizes(name: string, sizes: AccessSizes = {}): { min: number; max: number; unaligned: boolean } {
  const {
    min = 0,
    max = 0,
    unaligned = false,
  } = optionsFromArgument(`access rules: ${name}`, sizes) as {
    min?: number;
    max?: number;
    unaligned?: boolean;
  };
  for (const [field, value] of [
    ['min', min],
    ['max', max],
  ] as const) {
    if (value !== 0 && !isSize(value))
      throw invalid(`${name}.${field} must be 1, 2, 4 or 8, got ${describeValue(value)}`);
  }
  if (max !== 0 && min > max) throw invalid(`${name}.min ${min} is larger than ${name}.max ${max}`);
  if (typeof unaligned !== 'boolean')
    throw invalid(`${name}.unaligned must be true or false, got ${describeValue(unaligned)}`);
  return { min, max, unaligned };
}

const invalid = (what: string): MemoryError => invalidArgument('access rules', what);
