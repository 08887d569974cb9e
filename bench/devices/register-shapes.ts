/** The register file in eight shapes: as many hidden classes and functions as a board has kinds of devices. */
import type { DeviceCallbacks, DeviceContext } from '../../src/base/device-binding.ts';

export const SHAPE_COUNT = 8;

/** A device made of functions, with `data` fields of its own before them. */
export default function registerShape({ state, data }: DeviceContext): DeviceCallbacks {
  const words = new Int32Array(state);
  const shape: Record<string, unknown> = {};
  for (let field = 0; field < (data as number); field += 1) shape[`register${field}`] = field;
  shape['read'] = makers[data as number]!(words);
  shape['write'] = (offset: number, value: number): void => {
    words[offset >>> 2] = value;
  };
  return shape as unknown as DeviceCallbacks;
}

type Read = (offset: number) => number;

/** Function literals of their own, as different devices have. */
const makers: readonly ((words: Int32Array) => Read)[] = [
  (words) => (offset) => words[offset >>> 2]!,
  (words) => (offset) => words[offset >> 2]!,
  (words) => (offset) => words[offset / 4]!,
  (words) => (offset) => words[(offset | 0) >>> 2]!,
  (words) => (offset) => words[(offset >>> 0) >> 2]!,
  (words) => (offset) => words[(offset & 0xfffc) >>> 2]!,
  (words) => (offset) => words[(offset & ~3) >>> 2]!,
  (words) => (offset) => words[(offset + 0) >>> 2]!,
];
