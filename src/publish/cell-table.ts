/** A hash table of cells by their words, so that equal ones are found. Control thread only. */
import { assert } from '../base/assert.ts';
import { CELL_WORDS, cellWord } from '../layout/map-entry.ts';

const NOTHING = 0; // no cell: see map-entry.ts
const BUCKET_SHARE = 4; // cells of the arena for each bucket

export class CellTable {
  private readonly words: Int32Array;
  /** By cell: the next one in its bucket. A cell is in one table at the most, so tables may share it. */
  private readonly next: Int32Array;
  private readonly buckets: Int32Array;

  constructor(words: Int32Array, next: Int32Array) {
    this.words = words;
    this.next = next;
    this.buckets = new Int32Array(2 ** Math.ceil(Math.log2(Math.max(1, next.length / BUCKET_SHARE))));
  }

  /** The cell with these words; 0 if there is none. */
  find(record: readonly number[]): number {
    let cell = this.buckets[this.bucketOf(hashOf(record))]!;
    while (cell !== NOTHING && !this.equals(cell, record)) cell = this.next[cell]!;
    return cell;
  }

  /** @param record the cell's words */
  add(cell: number, record: readonly number[]): void {
    const bucket = this.bucketOf(hashOf(record));
    this.next[cell] = this.buckets[bucket]!;
    this.buckets[bucket] = cell;
  }

  /** @param cell in the table, with the words that it had when it was added */
  remove(cell: number): void {
    const bucket = this.bucketOf(this.hashOfCell(cell));
    let before = this.buckets[bucket]!;
    if (before === cell) {
      this.buckets[bucket] = this.next[cell]!;
      return;
    }
    while (this.next[before] !== cell) {
      before = this.next[before]!;
      assert(before !== NOTHING, 'a cell is found by its words until it is removed');
    }
    this.next[before] = this.next[cell]!;
  }

  private equals(cell: number, record: readonly number[]): boolean {
    const word = cellWord(cell);
    for (let index = 0; index < CELL_WORDS; index += 1)
      if (this.words[word + index] !== record[index]) return false;
    return true;
  }

  private bucketOf(hash: number): number {
    return (hash ^ (hash >>> 16)) & (this.buckets.length - 1);
  }

  private hashOfCell(cell: number): number {
    const first = cellWord(cell);
    let hash = 0;
    for (let word = first; word < first + CELL_WORDS; word += 1) hash = mixed(hash, this.words[word]!);
    return hash;
  }
}

const mixed = (hash: number, word: number): number => Math.imul(hash ^ word, 0x9e3779b1) ^ (hash >>> 15);

function hashOf(record: readonly number[]): number {
  let hash = 0;
  for (let index = 0; index < CELL_WORDS; index += 1) hash = mixed(hash, record[index]!);
  return hash;
}
