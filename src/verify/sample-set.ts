/**
 * The addresses of one address space that are accessed: the borders and middles of regions, bytes where
 * borders are odd, and words spread over pages of RAM, as a guest's working set.
 */
import { ADDRESS_LAST } from '../base/addresses.ts';
import type { Random } from './random.ts';
import type { RegionWindow } from './windows.ts';

/** One access: `size` bytes at an address that is a multiple of it. */
export interface Sample {
  readonly address: bigint;
  readonly size: 1 | 2 | 4;
}

/** A window this small is looked at byte by byte at its ends. */
const SMALL_BYTES = 16n;
const PAGE_BYTES = 4096n;

export class SampleSet {
  private readonly samples = new Map<bigint, Sample>();

  get size(): number {
    return this.samples.size;
  }

  /** The borders and the middle of `window`, from inside and outside. */
  addWindow({ first, last }: RegionWindow): void {
    const middle = first + (last - first) / 2n;
    for (const address of [first - 1n, first, middle, last, last + 1n]) this.add(address & ~3n, 4);
    const isOdd = (first & 3n) !== 0n || (last & 3n) !== 3n;
    if (!isOdd && last - first >= SMALL_BYTES) return;
    for (const address of [first - 1n, first, last, last + 1n]) {
      this.add(address, 1);
      this.add(address & ~1n, 2);
    }
  }

  /** Some words, and now and then a byte or a half word, of the page around `address`. */
  addPage(address: bigint, wordCount: number, random: Random): void {
    const page = address & ~(PAGE_BYTES - 1n);
    for (let count = 0; count < wordCount; count += 1) {
      const word = page + 4n * BigInt(random.below(Number(PAGE_BYTES / 4n)));
      this.add(word, count % 8 === 7 ? (count % 16 === 15 ? 1 : 2) : 4);
    }
  }

  add(address: bigint, size: 1 | 2 | 4): void {
    if (address >= 0n && address + BigInt(size) - 1n <= ADDRESS_LAST)
      this.samples.set(address * 8n + BigInt(size), { address, size });
  }

  /** At most `limit` of them, ascending; if there are more, a random choice. */
  choose(limit: number, random: Random): Sample[] {
    const all = [...this.samples.values()];
    const chosen = all.length <= limit ? all : random.shuffled(all).slice(0, limit);
    return chosen.sort((a, b) => (a.address < b.address ? -1 : Number(a.address > b.address)));
  }
}
