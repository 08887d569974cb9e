/** The mutators of the model-based test: each says what the model expects, and does it to the real tree. */
import fc from 'fast-check';
import { MemoryError, type MemoryErrorCode } from '../../src/base/errors.ts';
import type { ApiMachine } from './api-machine.ts';
import { type ApiModel, isRam, type ModelRegion, SIZE_MAX } from './api-model.ts';
import { must } from './target.ts';

export interface MutatorDraw {
  readonly kind: number;
  readonly region: number;
  readonly other: number;
  readonly offset: number;
  readonly size: number;
  readonly priority: number;
  readonly flag: boolean;
}

export const mutatorDraw: fc.Arbitrary<MutatorDraw> = fc.record({
  kind: fc.oneof(fc.nat(1), fc.nat(11)),
  region: fc.nat(30),
  other: fc.nat(30),
  offset: fc.oneof(fc.nat(8), fc.nat(SIZE_MAX + 8)),
  size: fc.oneof(fc.nat(4), fc.integer({ min: 4, max: SIZE_MAX }), fc.integer({ min: 4, max: SIZE_MAX })),
  priority: fc.integer({ min: -1, max: 1 }),
  flag: fc.boolean(),
});

/** What a mutator does: the error that is due, the change of the model where none is, and the call. */
interface Mutator {
  readonly text: string;
  readonly refusal: MemoryErrorCode | null;
  readonly change: () => void;
  readonly call: () => void;
}

/** A property: nothing happens where it has the value already, also on a region whose end has come. */
function property<K extends 'size' | 'address' | 'targetOffset' | 'enabled' | 'readonly' | 'romd'>(
  region: ModelRegion,
  key: K,
  value: ModelRegion[K],
): Pick<Mutator, 'refusal' | 'change'> {
  const refusal = region[key] !== value && region.ended ? 'REGION_FINALIZED' : null;
  return {
    refusal,
    change: () => {
      region[key] = value;
    },
  };
}

/** Null where the draw means nothing for what there is. */
function mutatorFrom(model: ApiModel, real: ApiMachine, draw: MutatorDraw): Mutator | null {
  const { regions } = model.state;
  const index = draw.region % regions.length;
  const region = regions[index]!;
  const object = real.regions[index]!;
  const { size, flag, offset } = draw;
  const isRoot = region.rank < 0;
  const of = (name: string, value: unknown): string => `${object.name}.${name}(${String(value)})`;
  if (draw.kind <= 3) return placing(model, real, draw, index);
  if (isRoot) return null; // the roots stay what they are: a view root is another one's test
  switch (draw.kind) {
    case 4:
      return {
        ...property(region, 'enabled', flag),
        text: of('setEnabled', flag),
        call: () => object.setEnabled(flag),
      };
    case 5:
      return {
        ...property(region, 'readonly', flag),
        text: of('setReadonly', flag),
        call: () => object.setReadonly(flag),
      };
    case 6: {
      const call = (): void => object.setRomd(flag);
      const text = of('setRomd', flag);
      if (region.kind === 'rom-device') return { ...property(region, 'romd', flag), text, call };
      return { refusal: 'NOT_A_ROM_DEVICE', change: () => {}, text, call };
    }
    case 7: {
      const call = (): void => object.setAliasOffset(offset);
      const text = of('setAliasOffset', offset);
      if (region.kind === 'alias') return { ...property(region, 'targetOffset', offset), text, call };
      return { refusal: 'NOT_AN_ALIAS', change: () => {}, text, call };
    }
    case 8:
      if (isRam(region) || region.kind === 'rom-device') return null; // its bytes were reserved
      return {
        ...property(region, 'size', size),
        text: of('setSize', size),
        call: () => object.setSize(size),
      };
    case 9: {
      const call = (): void => real.machine.resizeRam(object, size);
      const text = of('resizeRam', size);
      if (region.kind === 'resizable') return { ...property(region, 'size', size), text, call };
      return { refusal: 'RAM_NOT_RESIZABLE', change: () => {}, text, call };
    }
    case 10:
      return bell(region, draw, real, index);
    default:
      return coalescing(region, draw, real, index);
  }
}

/** Mapping, unmapping, moving. */
function placing(model: ApiModel, real: ApiMachine, draw: MutatorDraw, index: number): Mutator | null {
  const { regions } = model.state;
  const region = regions[index]!;
  const object = real.regions[index]!;
  const { offset, priority } = draw;
  if (draw.kind <= 1) {
    const parent = parentFrom(model, draw, index);
    const refusal = model.mappingRefusal(parent, index);
    if (region.rank < 0 || (refusal === null && regions[parent]!.rank >= region.rank)) return null;
    return {
      text: `${real.regions[parent]!.name}.addSubregionOverlap(${offset}, ${object.name}, ${priority})`,
      refusal,
      change: () => {
        region.address = offset;
        region.priority = priority;
        model.insert(parent, index);
      },
      call: () => real.regions[parent]!.addSubregionOverlap(offset, object, priority),
    };
  }
  if (region.rank < 0) return null;
  if (draw.kind === 2) {
    const parent = draw.flag && region.container >= 0 ? region.container : draw.other % regions.length;
    return {
      text: `${real.regions[parent]!.name}.delSubregion(${object.name})`,
      refusal: region.container === parent ? null : 'NOT_A_SUBREGION',
      change: () => model.remove(index),
      call: () => real.regions[parent]!.delSubregion(object),
    };
  }
  const moves = region.address !== offset;
  return {
    ...property(region, 'address', offset),
    text: `${object.name}.setAddress(${offset})`,
    change: () => {
      region.address = offset;
      const { container } = region;
      if (!moves || container < 0) return;
      model.remove(index);
      model.insert(container, index);
    },
    call: () => object.setAddress(offset),
  };
}

/** Mostly one that takes it: of those that are above it in rank, any that is no alias. */
function parentFrom({ state: { regions } }: ApiModel, { other, offset }: MutatorDraw, index: number): number {
  const { rank } = regions[index]!;
  const fitting = regions.flatMap((region, at) =>
    region.rank < rank && region.kind !== 'alias' && !region.ended ? [at] : [],
  );
  if (offset % 8 === 7 || fitting.length === 0) return other % regions.length;
  return fitting[other % 3 === 0 ? 0 : other % fitting.length]!; // the first is a root
}

/** One doorbell a device at most: which of several rings is the access's own test. */
function bell(
  region: ModelRegion,
  { size, flag }: MutatorDraw,
  real: ApiMachine,
  index: number,
): Mutator | null {
  if (region.kind !== 'io' || region.ended || region.size === 0) return null;
  const { eventfds, name } = real.regions[index]!;
  const notifier = real.doorbells[index]!;
  const { doorbell } = region;
  if (doorbell !== null) {
    return {
      text: `${name}.eventfds.del()`,
      refusal: null,
      change: () => {
        region.doorbell = null;
      },
      call: () => eventfds.del({ ...eventfds.items[0]!, notifier }),
    };
  }
  const offset = size % region.size;
  const match = flag ? size : null;
  return {
    text: `${name}.eventfds.add(${offset}, ${String(match)})`,
    refusal: null,
    change: () => {
      region.doorbell = { offset, match };
    },
    call: () => eventfds.add({ offset, size: 1, match, notifier }),
  };
}

/** Nothing that can be read is another for it: what is queued is done before a device is read. */
function coalescing(
  region: ModelRegion,
  { flag, size }: MutatorDraw,
  real: ApiMachine,
  index: number,
): Mutator | null {
  if (region.kind !== 'io' || region.ended || region.size === 0) return null;
  const { coalescing, name } = real.regions[index]!;
  const call = flag ? () => coalescing.clear() : () => coalescing.add(size % region.size, 1);
  return { text: `${name}.coalescing`, refusal: null, change: () => {}, call };
}

/** Does it to both; they must agree on whether it can be done. @returns what was done, in words */
export function mutate(model: ApiModel, real: ApiMachine, draw: MutatorDraw): string {
  const mutator = mutatorFrom(model, real, draw);
  if (mutator === null) return '';
  let thrown: MemoryErrorCode | null = null;
  try {
    mutator.call();
  } catch (error) {
    if (!(error instanceof MemoryError)) throw error;
    thrown = error.code;
  }
  must(
    thrown === mutator.refusal,
    `${mutator.text} gives ${thrown ?? 'no error'}, not ${mutator.refusal ?? 'none'}`,
  );
  if (thrown === null) mutator.change();
  return mutator.text;
}
