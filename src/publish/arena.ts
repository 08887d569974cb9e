/**
 * Allocator of the shared arena, one cell of 64 bytes at a time; control thread only.
 * Guarantee: a cell is handed out once until it is freed. The arena is reserved whole at the start: pages that no
 * cell has touched cost nothing.
 */
import { assert } from '../base/assert.ts';
import { MemoryError } from '../base/errors.ts';
import { sharedBuffer } from '../base/shared-memory.ts';
import type { SharedWords } from '../layout/control-block.ts';
import { CELL_BYTES, CELL_FIRST_FREE, CELL_WORDS, cellWord, POISON } from '../layout/map-entry.ts';

export class Arena {
  readonly words: SharedWords;
  readonly cellCount: number;
  private readonly free: number[] = [];
  private readonly poison: boolean;
  private nextCell = CELL_FIRST_FREE;

  /** @param poison fill freed cells with POISON, so that a use after reclaim is loud */
  constructor(sizeBytes: number, poison: boolean) {
    this.words = new Int32Array(sharedBuffer(sizeBytes));
    this.cellCount = sizeBytes / CELL_BYTES;
    this.poison = poison;
  }

  /** Bytes handed out and not freed: published, being built, or retired. */
  get usedBytes(): number {
    return this.highWaterBytes - this.freeBytes;
  }

  /** The most that the arena ever reached into its buffer. */
  get highWaterBytes(): number {
    return this.nextCell * CELL_BYTES;
  }

  /** Bytes of cells that were freed and not handed out again. */
  get freeBytes(): number {
    return this.free.length * CELL_BYTES;
  }

  /** @throws MemoryError ARENA_FULL; nothing was allocated then */
  allocate(): number {
    const freed = this.free.pop();
    if (freed !== undefined) return freed;
    if (this.nextCell === this.cellCount) {
      throw new MemoryError(
        'ARENA_FULL',
        `all ${this.cellCount * CELL_BYTES} bytes of the arena are in use; the layout before stays published. ` +
          'Give the machine a larger arenaBytes, or let readers pass a checkpoint',
      );
    }
    this.nextCell += 1;
    return this.nextCell - 1;
  }

  release(cell: number): void {
    assert(cell >= CELL_FIRST_FREE && cell < this.nextCell, 'a freed cell lies in the arena');
    if (this.poison) this.words.fill(POISON, cellWord(cell), cellWord(cell) + CELL_WORDS);
    this.free.push(cell);
  }
}
