/**
 * Allocator of the shared arena, in cells of 64 bytes; control thread only.
 * Guarantee: a run of cells is handed out once until it is freed, and never moves.
 * Free runs are kept in lists of powers of two; a larger run is split when a list is empty. The arena is
 * reserved whole at the start: pages that no cell has touched cost nothing.
 */
import { assert } from '../base/assert.ts';
import { MemoryError } from '../base/errors.ts';
import type { SharedWords } from '../layout/control-block.ts';
import { CELL_BYTES, CELL_FIRST_FREE, CELL_WORDS, POISON } from '../layout/map-entry.ts';

const CLASS_COUNT = 27;

/** A run of `count` cells from `cell` on; `count` is what was asked for. */
export interface CellRun {
  readonly cell: number;
  readonly count: number;
}

const sizeClass = (count: number): number => (count <= 1 ? 0 : 32 - Math.clz32(count - 1));

export class Arena {
  readonly words: SharedWords;
  private readonly cellCount: number;
  private readonly free: number[][] = Array.from({ length: CLASS_COUNT }, () => []);
  private readonly poison: boolean;
  private nextCell = CELL_FIRST_FREE;
  private usedCells = CELL_FIRST_FREE;

  /** @param poison fill freed cells with POISON, so that a use after reclaim is loud */
  constructor(sizeBytes: number, poison: boolean) {
    this.words = new Int32Array(new SharedArrayBuffer(sizeBytes));
    this.cellCount = sizeBytes / CELL_BYTES;
    this.poison = poison;
  }

  /** Bytes handed out and not freed: published, being built, or retired. */
  get usedBytes(): number {
    return this.usedCells * CELL_BYTES;
  }

  /** The most that the arena ever reached into its buffer. */
  get highWaterBytes(): number {
    return this.nextCell * CELL_BYTES;
  }

  /** Bytes in free lists; usedBytes + freeBytes = highWaterBytes, to the byte. */
  get freeBytes(): number {
    return this.free.reduce((sum, list, index) => sum + list.length * CELL_BYTES * 2 ** index, 0);
  }

  /** @throws MemoryError ARENA_FULL; nothing was allocated then */
  allocate(count: number): number {
    const wanted = sizeClass(count);
    let from = wanted;
    while (from < CLASS_COUNT && this.free[from]!.length === 0) from += 1;
    const cell =
      from < CLASS_COUNT ? this.split(this.free[from]!.pop()!, from, wanted) : this.extend(wanted, count);
    this.usedCells += 2 ** wanted;
    return cell;
  }

  release(cell: number, count: number): void {
    const index = sizeClass(count);
    assert(cell >= CELL_FIRST_FREE && cell + 2 ** index <= this.nextCell, 'a freed run lies in the arena');
    if (this.poison) this.words.fill(POISON, cell * CELL_WORDS, (cell + 2 ** index) * CELL_WORDS);
    this.free[index]!.push(cell);
    this.usedCells -= 2 ** index;
  }

  private split(cell: number, from: number, wanted: number): number {
    for (let index = from - 1; index >= wanted; index -= 1) this.free[index]!.push(cell + 2 ** index);
    return cell;
  }

  private extend(wanted: number, count: number): number {
    const cell = this.nextCell;
    if (cell + 2 ** wanted > this.cellCount) {
      throw new MemoryError(
        'ARENA_FULL',
        `${count} cells of ${CELL_BYTES} bytes do not fit: ${this.usedBytes} of ${this.cellCount * CELL_BYTES} bytes are in use; ` +
          'the layout before stays published. Give the machine a larger arenaBytes, or let readers pass a checkpoint',
      );
    }
    this.nextCell += 2 ** wanted;
    return cell;
  }
}
