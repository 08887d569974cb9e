/** Machines and accesses for the native programs: the file that machine.h describes. */
import { BAR_BYTES, BAR_STRIDE, BARS_START } from '../support/many-bars.ts';
import { MIX_WINDOWS } from '../support/mix.ts';
import type { Stream } from '../support/stream.ts';

const KIND_RAM = 0;
const KIND_REGISTERS = 1;

export interface NativeSection {
  readonly start: number;
  readonly size: number;
  readonly kind: typeof KIND_RAM | typeof KIND_REGISTERS;
  /** Index in the stream's words of the first that it holds. */
  readonly firstWord: number;
}

/** What support/mix.ts shows, in order of address. */
export function mixSections(): NativeSection[] {
  let firstWord = 0;
  const sections = MIX_WINDOWS.flatMap(({ kind, start, count, regionBytes }) =>
    Array.from({ length: count }, (_, i): NativeSection => {
      const section = {
        start: start + i * regionBytes,
        size: regionBytes,
        kind: kind === 'ram' ? KIND_RAM : KIND_REGISTERS,
        firstWord,
      } as const;
      firstWord += regionBytes / 4;
      return section;
    }),
  );
  return sections.sort((a, b) => a.start - b.start);
}

/** RAM that holds all words of a stream. */
export const ramSections = (start: number, size: number): NativeSection[] => [
  { start, size, kind: KIND_RAM, firstWord: 0 },
];

/** The flat view of support/many-bars.ts. */
export const barSections = (count: number): NativeSection[] =>
  Array.from({ length: count }, (_, i) => ({
    start: i === 0 ? 0 : BARS_START + (i - 1) * BAR_STRIDE,
    size: i === 0 ? 0x10_0000 : BAR_BYTES,
    kind: i === 0 ? KIND_RAM : KIND_REGISTERS,
    firstWord: 0,
  }));

/** @param stream left out by programs that only build maps */
export function encodeInput(sections: readonly NativeSection[], stream?: Stream): Uint8Array {
  const accesses =
    stream === undefined ? [] : Array.from(stream.los, (lo, i) => addressOf(stream.his[i]!, lo));
  const described = sections.flatMap(({ start, size, kind, firstWord }) => [start, size, kind, firstWord]);
  const words = stream?.words ?? new Int32Array();
  const numbers = BigUint64Array.from(
    [sections.length, accesses.length, words.length, ...described, ...accesses],
    BigInt,
  );
  return Buffer.concat([new Uint8Array(numbers.buffer), new Uint8Array(words.buffer)]);
}

const addressOf = (hi: number, lo: number): number => hi * 2 ** 32 + (lo >>> 0);
