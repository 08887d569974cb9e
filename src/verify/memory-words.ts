/** The control thread's own look at the words in guest memory: before the vCPUs start, and after they ended. */
import { hexFromAddress } from '../base/addresses.ts';
import type { MemoryRegion } from '../model/memory-region.ts';
import type { Machine } from '../service/machine.ts';
import type { CellBook } from './cell-book.ts';
import type { Violation } from './violations.ts';

/** Writes the tags of all memory cells that no vCPU knows of yet. */
export function writeFreshCells(machine: Machine, book: CellBook): void {
  const word = new Int32Array(1);
  const bytes = new Uint8Array(word.buffer);
  for (const { region, offset, tag } of book.takeFresh()) {
    word[0] = tag;
    machine.writeRam(region, offset, bytes);
  }
}

export interface DueWord {
  readonly region: MemoryRegion;
  readonly offset: bigint;
  readonly due: number;
}

/** Compares all cells and `others` with what is in memory, once no vCPU runs. */
export function checkFinalMemory(
  machine: Machine,
  book: CellBook,
  others: readonly DueWord[],
): { readonly count: number; readonly examples: readonly Violation[] } {
  const examples: Violation[] = [];
  let count = 0;
  const compare = ({ region, offset, due }: DueWord): void => {
    const [got] = new Int32Array(machine.readRam(region, offset, 4).buffer);
    if (got === due) return;
    count += 1;
    if (examples.length < 10) examples.push(finalViolation({ region, offset, due }, got!));
  };
  for (const { origin, word } of book.finalWords())
    compare({ region: origin.region, offset: origin.offset, due: word });
  for (const other of others) compare(other);
  return { count, examples };
}

const finalViolation = ({ region, offset, due }: DueWord, got: number): Violation => ({
  vcpu: null,
  step: 0,
  addressSpace: '',
  address: `'${region.name}' + ${hexFromAddress(offset)}`,
  access: 'memory after the vCPUs had ended',
  expected: `0x${(due >>> 0).toString(16)}`,
  got: `0x${(got >>> 0).toString(16)}`,
  diagnosis: 'lost or foreign write: not what the vCPUs say they wrote last',
});
