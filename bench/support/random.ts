/** A small seeded generator (xorshift32), so that every run measures the same streams. */
export class Random {
  private state: number;

  /** @param seed not 0 */
  constructor(seed: number) {
    this.state = seed | 0;
  }

  /** Uniform in [0, 1). */
  fraction(): number {
    this.state ^= this.state << 13;
    this.state ^= this.state >>> 17;
    this.state ^= this.state << 5;
    return (this.state >>> 0) / 2 ** 32;
  }

  /** Uniform integer in [0, end). */
  below(end: number): number {
    return Math.floor(this.fraction() * end);
  }
}
