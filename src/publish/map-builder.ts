/**
 * Builds a radix map (layout/map-entry.ts) from disjoint ranges: first in a private scratch buffer, then,
 * with single-child paths left out, into cells of the arena. Control thread only.
 * Guarantee: nothing shared is written before write(), and write() touches only cells that it allocated.
 */
import type { SharedWords } from '../layout/control-block.ts';
import {
  CELL_UNASSIGNED,
  cellWord,
  entryCell,
  entryIsNode,
  indexAt,
  LEVEL_BITS,
  LEVEL_COUNT,
  leafEntry,
  NODE_ENTRIES,
  nodeEntry,
} from '../layout/map-entry.ts';

const NOTHING = 0; // as an entry: no section has been set here
const ENTRY_UNASSIGNED = leafEntry(CELL_UNASSIGNED);
const ROOT_LEVEL = LEVEL_COUNT - 1;

/** True if [start, last] covers a node's whole entry: low bits of start all 0, of last all 1. */
function coversEntry(
  level: number,
  startHi: number,
  startLo: number,
  lastHi: number,
  lastLo: number,
): boolean {
  const bits = level * LEVEL_BITS;
  if (bits < 32) {
    const mask = (1 << bits) - 1;
    return (startLo & mask) === 0 && (lastLo & mask) === mask;
  }
  const mask = (1 << (bits - 32)) - 1; // bits is 60 at the most
  return startLo === 0 && lastLo === -1 && (startHi & mask) === 0 && (lastHi & mask) === mask;
}

export class MapBuilder {
  private scratch = new Int32Array(64 * NODE_ENTRIES);
  private nodeCount = 1;

  /** Forgets all ranges. The scratch buffer is kept for the next map. */
  clear(): void {
    this.scratch.fill(NOTHING, 0, this.nodeCount * NODE_ENTRIES);
    this.nodeCount = 1;
  }

  /** Maps [start, last] to the section in `cell`. Ranges must not overlap. */
  setRange(startHi: number, startLo: number, lastHi: number, lastLo: number, cell: number): void {
    this.setInNode(0, ROOT_LEVEL, startHi | 0, startLo | 0, lastHi | 0, lastLo | 0, leafEntry(cell));
  }

  /**
   * Writes the map's nodes into cells taken from `allocate` and returns the root entry.
   * What `allocate` throws is passed on; the caller frees the cells it gave.
   */
  write(words: SharedWords, allocate: () => number): number {
    const root = this.writeNode(0, ROOT_LEVEL, words, allocate);
    return root === NOTHING ? ENTRY_UNASSIGNED : root;
  }

  private setInNode(
    node: number,
    level: number,
    startHi: number,
    startLo: number,
    lastHi: number,
    lastLo: number,
    leaf: number,
  ): void {
    const first = indexAt(startHi, startLo, level);
    const last = indexAt(lastHi, lastLo, level);
    for (let index = first; index <= last; index += 1) {
      const fromHi = index === first ? startHi : 0;
      const fromLo = index === first ? startLo : 0;
      const toHi = index === last ? lastHi : -1;
      const toLo = index === last ? lastLo : -1;
      if (coversEntry(level, fromHi, fromLo, toHi, toLo)) {
        this.scratch[node * NODE_ENTRIES + index] = leaf;
      } else {
        this.setInNode(this.childOf(node, index, level), level - 1, fromHi, fromLo, toHi, toLo, leaf);
      }
    }
  }

  private childOf(node: number, index: number, level: number): number {
    const entry = this.scratch[node * NODE_ENTRIES + index]!;
    if (entryIsNode(entry)) return entryCell(entry);
    const child = this.nodeCount;
    this.nodeCount += 1;
    if (this.nodeCount * NODE_ENTRIES > this.scratch.length) {
      const larger = new Int32Array(2 * this.scratch.length);
      larger.set(this.scratch);
      this.scratch = larger;
    }
    this.scratch[node * NODE_ENTRIES + index] = nodeEntry(child, level - 1);
    return child;
  }

  /** Returns the entry that stands for scratch node `node`: a leaf, its only child, or a node of the arena. */
  private writeNode(node: number, level: number, words: SharedWords, allocate: () => number): number {
    const base = node * NODE_ENTRIES;
    let used = 0;
    let only = NOTHING;
    let uniform = true;
    for (let index = 0; index < NODE_ENTRIES; index += 1) {
      let entry = this.scratch[base + index]!;
      if (entryIsNode(entry)) {
        entry = this.writeNode(entryCell(entry), level - 1, words, allocate);
        this.scratch[base + index] = entry;
      }
      if (entry !== NOTHING) {
        used += 1;
        only = entry;
      }
      if (entry !== this.scratch[base]!) uniform = false;
    }
    if (used <= 1 || (uniform && !entryIsNode(only))) return only;
    const cell = allocate();
    const word = cellWord(cell);
    for (let index = 0; index < NODE_ENTRIES; index += 1) {
      const entry = this.scratch[base + index]!;
      words[word + index] = entry === NOTHING ? ENTRY_UNASSIGNED : entry;
    }
    return nodeEntry(cell, level);
  }
}
