/**
 * Tells readers which pages a publication changed. Control thread only.
 * Guarantee: each address space that gets another view gets at least one delta, and one that covers everything
 * where there would be many; the last of them says so.
 * Writes: WORD_DELTAS, WORD_DELTA_COUNT. Order: the roots first; then a delta's words, then the count.
 */
import { ADDRESS_LAST, hiFromAddress, loFromAddress } from '../base/addresses.ts';
import { type SharedWords, WORD_DELTA_COUNT } from '../layout/control-block.ts';
import * as delta from '../layout/delta-ring.ts';
import type { AddressWindow } from '../render/flat-view.ts';
import { staleRanges, type ViewDifference } from '../render/view-difference.ts';

/** A view change of more windows is told as one of everything: a reader would drop nearly all anyway. */
const WINDOWS_MAX = 8;

const NOTHING: AddressWindow = { start: ADDRESS_LAST, last: 0n };
const EVERYTHING: AddressWindow = { start: 0n, last: ADDRESS_LAST };

/** An address space whose root word leads to another view now. */
export interface RootChange {
  /** Its index. */
  readonly addressSpace: number;
  /** VIEW_VERSION of the new view. */
  readonly version: number;
  /** From the view before. */
  readonly difference: ViewDifference;
}

function toldWindows(windows: readonly AddressWindow[]): readonly AddressWindow[] {
  if (windows.length === 0) return [NOTHING];
  return windows.length > WINDOWS_MAX ? [EVERYTHING] : windows;
}

export class DeltaWriter {
  private readonly words: SharedWords;
  private count = 0;

  constructor(words: SharedWords) {
    this.words = words;
  }

  /** To call after the roots were stored, before the generation begins: who finds that finds what changed. */
  write(changes: readonly RootChange[]): void {
    const told = new Map<ViewDifference, readonly AddressWindow[]>(); // address spaces that share a view share it
    for (const { addressSpace, version, difference } of changes) {
      const windows = told.get(difference) ?? toldWindows(staleRanges(difference));
      told.set(difference, windows);
      windows.forEach((window, index) => {
        this.writeOne(delta.deltaTarget(addressSpace, index === windows.length - 1), version, window);
      });
    }
  }

  private writeOne(target: number, version: number, { start, last }: AddressWindow): void {
    const { words } = this;
    this.count = (this.count + 1) | 0;
    const word = delta.deltaWord(this.count);
    Atomics.store(words, word + delta.DELTA_TARGET, target); // pairs with DeltaReader.catchUp
    Atomics.store(words, word + delta.DELTA_VIEW_VERSION, version);
    Atomics.store(words, word + delta.DELTA_START_LO, loFromAddress(start));
    Atomics.store(words, word + delta.DELTA_START_HI, hiFromAddress(start));
    Atomics.store(words, word + delta.DELTA_LAST_LO, loFromAddress(last));
    Atomics.store(words, word + delta.DELTA_LAST_HI, hiFromAddress(last));
    Atomics.store(words, WORD_DELTA_COUNT, this.count);
  }
}
