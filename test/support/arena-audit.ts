/**
 * Balances a machine's arena: what a walk from the root words reaches, what is retired and what is free are all
 * of it, to the byte.
 */
import { ADDRESS_SPACE_COUNT_MAX, rootWord, type SharedWords } from '../../src/layout/control-block.ts';
import {
  CELL_BYTES,
  CELL_FIRST_FREE,
  CELL_NO_VIEW,
  CELL_UNASSIGNED,
  cellWord,
  entryCell,
  entryIsNode,
  NODE_ENTRIES,
} from '../../src/layout/map-entry.ts';
import { VIEW_MAP_ROOT } from '../../src/layout/view-header.ts';
import type { Arena } from '../../src/publish/arena.ts';

export interface AuditedMachine {
  readonly control: SharedWords;
  readonly arena: Arena;
  /** Header cell of the view of nothing, which is always there: what the root word of an address space without a root holds. */
  readonly emptyHeader: number;
  readonly publisher: { readonly shownBytes: number };
  readonly grace: { readonly retiredBytes: number };
}

/** Bytes of the cells that are reached from all root words, and of those that are always there. */
function reachedBytes({ control, arena, emptyHeader }: AuditedMachine): number {
  const reached = new Set([CELL_NO_VIEW, CELL_UNASSIGNED]);
  const walk = (entry: number): void => {
    const cell = entryCell(entry);
    if (reached.has(cell)) return;
    reached.add(cell);
    if (!entryIsNode(entry)) return;
    for (let index = 0; index < NODE_ENTRIES; index += 1) walk(arena.words[cellWord(cell) + index]!);
  };
  const roots = control.subarray(rootWord(0), rootWord(ADDRESS_SPACE_COUNT_MAX));
  for (const header of [emptyHeader, ...roots]) {
    if (header === CELL_NO_VIEW) continue;
    reached.add(header);
    walk(arena.words[cellWord(header) + VIEW_MAP_ROOT]!);
  }
  return reached.size * CELL_BYTES;
}

/** What does not balance; null if all does. Holds of readers are not counted: there must be none. */
export function arenaImbalance(machine: AuditedMachine): string | null {
  const { arena, grace, publisher } = machine;
  const reached = reachedBytes(machine);
  const shown = publisher.shownBytes + CELL_FIRST_FREE * CELL_BYTES;
  const { usedBytes, freeBytes, highWaterBytes } = arena;
  if (reached !== shown) return `${reached} bytes are reached from the roots, ${shown} are counted as shown`;
  if (usedBytes + freeBytes !== highWaterBytes)
    return `${usedBytes} bytes in use and ${freeBytes} free are not ${highWaterBytes}`;
  // What is retired may be shown again, and is counted in both then.
  if (reached + grace.retiredBytes < usedBytes)
    return `${usedBytes} bytes are in use, but ${reached} reached and ${grace.retiredBytes} retired`;
  if (grace.retiredBytes === 0 && reached !== usedBytes)
    return `${usedBytes} bytes are in use, nothing is retired, and ${reached} are reached`;
  return null;
}
