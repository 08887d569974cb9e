/** Totals of counts that other threads keep in int32 words, modulo 2^32: ask often enough that none wraps twice. */
export class WrappingCounts {
  private readonly words: Int32Array;
  private readonly places: readonly number[];
  private readonly seen: number[];
  private readonly totals: number[];

  /** @param places the words to follow */
  constructor(words: Int32Array, places: readonly number[]) {
    this.words = words;
    this.places = places;
    this.seen = places.map(() => 0);
    this.totals = places.map(() => 0);
  }

  /** In the order of the places. */
  update(): readonly number[] {
    for (const [index, place] of this.places.entries()) {
      const now = this.words[place]!;
      this.totals[index]! += (now - this.seen[index]!) >>> 0;
      this.seen[index] = now;
    }
    return this.totals;
  }
}
