/**
 * The ranges of a flat view in chunks, so that a list which differs in a few of them shares all the others with the
 * one before. Immutable. Costs of a change go with what is replaced and with the number of chunks.
 * Guarantee of whoever makes one: ranges are ascending and disjoint.
 */
import type { FlatRange } from './flat-view.ts';

type Chunk = readonly FlatRange[];

/** A chunk has as many ranges at the most, and half of them if it was cut from a larger one. */
const CHUNK_MAX = 128;

const endOf = (range: FlatRange): bigint => range.start + range.size;

export class RangeList {
  static readonly EMPTY = new RangeList([]);
  readonly length: number;
  private readonly chunks: readonly Chunk[];
  private flat: readonly FlatRange[] | null = null;

  private constructor(chunks: readonly Chunk[]) {
    this.chunks = chunks;
    let length = 0;
    for (const chunk of chunks) length += chunk.length;
    this.length = length;
  }

  static from(ranges: readonly FlatRange[]): RangeList {
    return ranges.length === 0 ? RangeList.EMPTY : new RangeList(chunksOf(ranges));
  }

  /** All of them as one array, frozen; made when it is first asked for. */
  get all(): readonly FlatRange[] {
    this.flat ??= Object.freeze(this.chunks.flat());
    return this.flat;
  }

  /** The first range that reaches past `address`. */
  firstAfter(address: bigint): FlatRange | null {
    const chunk = this.chunks[this.chunkAfter(address)];
    return chunk === undefined ? null : chunk[indexAfter(chunk, address)]!;
  }

  /** Those that meet `[start, end)`. */
  meeting(start: bigint, end: bigint): FlatRange[] {
    const found: FlatRange[] = [];
    for (let at = this.chunkAfter(start); at < this.chunks.length; at += 1) {
      const chunk = this.chunks[at]!;
      if (chunk[0]!.start >= end) break;
      for (let index = indexAfter(chunk, start); index < chunk.length; index += 1) {
        if (chunk[index]!.start >= end) return found;
        found.push(chunk[index]!);
      }
    }
    return found;
  }

  /** This list with `ranges`, which lie in `[start, end)`, in place of all that meet it. */
  replaced(start: bigint, end: bigint, ranges: readonly FlatRange[]): RangeList {
    const { chunks } = this;
    if (chunks.length === 0) return RangeList.from(ranges);
    const first = Math.min(this.chunkAfter(start), chunks.length - 1);
    let last = first;
    while (last < chunks.length - 1 && chunks[last]!.at(-1)!.start < end) last += 1;
    const middle = [
      ...chunks[first]!.slice(0, indexAfter(chunks[first]!, start)),
      ...ranges,
      ...chunks[last]!.filter((range) => range.start >= end),
    ];
    return new RangeList([...chunks.slice(0, first), ...chunksOf(middle), ...chunks.slice(last + 1)]);
  }

  /** Index of the first chunk with a range that reaches past `address`. */
  private chunkAfter(address: bigint): number {
    let low = 0;
    let high = this.chunks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (endOf(this.chunks[middle]!.at(-1)!) <= address) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function indexAfter(chunk: Chunk, address: bigint): number {
  let low = 0;
  let high = chunk.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (endOf(chunk[middle]!) <= address) low = middle + 1;
    else high = middle;
  }
  return low;
}

function chunksOf(ranges: readonly FlatRange[]): Chunk[] {
  if (ranges.length === 0) return [];
  if (ranges.length <= CHUNK_MAX) return [ranges];
  const chunks: Chunk[] = [];
  for (let at = 0; at < ranges.length; at += CHUNK_MAX / 2) chunks.push(ranges.slice(at, at + CHUNK_MAX / 2));
  return chunks;
}
