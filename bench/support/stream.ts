/** Streams of addresses, and what a machine must answer to them. Shared buffers: they go to vCPUs as they are. */

export interface Stream {
  readonly his: Int32Array<SharedArrayBuffer>;
  readonly los: Int32Array<SharedArrayBuffer>;
  /** Index into `words` of each address: the same stream for a bare typed array. */
  readonly indices: Int32Array<SharedArrayBuffer>;
  /** What 32-bit loads find: `words[indices[i]]` at (his[i], los[i]). */
  readonly words: Int32Array<SharedArrayBuffer>;
}

/** `length` shared numbers: zeros, or what `value` gives for each index. */
export function sharedInts(length: number, value?: (index: number) => number): Int32Array<SharedArrayBuffer> {
  const ints = new Int32Array(new SharedArrayBuffer(4 * length));
  if (value !== undefined) for (let i = 0; i < length; i += 1) ints[i] = value(i);
  return ints;
}

/** No two neighbouring words are alike, and a sum over a wrong word shows. */
export function fillWords(words: Int32Array): void {
  for (let i = 0; i < words.length; i += 1) words[i] = Math.imul(i + 1, 0x9e3779b1);
}

/** `count` words, one after the other, from address `start` below 4 GiB on. */
export function sequentialStream(start: number, count: number): Stream {
  const stream = {
    his: sharedInts(count),
    los: sharedInts(count),
    indices: sharedInts(count),
    words: sharedInts(count),
  };
  for (let i = 0; i < count; i += 1) {
    stream.los[i] = start + 4 * i;
    stream.indices[i] = i;
  }
  fillWords(stream.words);
  return stream;
}

/** Sum, as int32, of what one sweep over the stream loads. */
export const expectedSum = ({ indices, words }: Stream): number =>
  indices.reduce((sum, index) => (sum + words[index]!) | 0, 0);
