/**
 * A counted reference on the view that a port uses, QEMU's flatview_ref: the layout of one moment, kept over
 * checkpoints and while the thread is offline. One thread's own.
 * Guarantee: until release() every access and every section here is answered by that layout, with its RAM and
 * its devices, whatever later transactions do.
 */
import { MemoryError } from '../base/errors.ts';
import type { MemTxResult } from '../base/mem-tx-result.ts';
import type { HoldTaker } from '../grace/hold-taker.ts';
import { type Address, addressHi, addressLo } from './address.ts';
import { readBytes, writeBytes } from './bulk.ts';
import { forEachSection, type SectionCopy, sectionFrom } from './section-list.ts';
import type { SlowAccess } from './slow-access.ts';

export class ViewHold {
  private readonly pinned: SlowAccess;
  private readonly holds: HoldTaker;
  private isReleased = false;

  /**
   * @param pinned on the view to hold, and on no other ever, with the attributes of the accesses here
   * @throws MemoryError VIEW_HOLDS_EXHAUSTED
   */
  constructor(pinned: SlowAccess, holds: HoldTaker) {
    this.pinned = pinned;
    this.holds = holds;
    if (pinned.view !== 0) holds.take(pinned.view);
  }

  /** The machine's layoutTag when the layout was made. */
  get layoutTag(): number {
    return this.slow.layoutTag;
  }

  readBytes(address: Address, into: Uint8Array): MemTxResult {
    return readBytes(this.slow, addressHi(address), addressLo(address), into);
  }

  writeBytes(address: Address, from: Uint8Array): MemTxResult {
    return writeBytes(this.slow, addressHi(address), addressLo(address), from);
  }

  /** The section at `address`; null where nothing is mapped. */
  sectionAt(address: Address): SectionCopy | null {
    const { slow } = this;
    return sectionFrom(slow.arena, slow.lookup(addressHi(address), addressLo(address)));
  }

  /** Calls `visit` with each section, by ascending address, until it returns true; returns whether it did. */
  // biome-ignore lint/suspicious/noConfusingVoidType: a function that returns nothing has this type
  forEachSection(visit: (section: SectionCopy) => boolean | void): boolean {
    const { slow } = this;
    return forEachSection(slow.arena, slow.view, visit);
  }

  /** Lets the layout go. @throws MemoryError MAPPING_ENDED the second time, as all else does from now on */
  release(): void {
    const { view } = this.slow;
    this.isReleased = true;
    if (view !== 0) this.holds.release(view);
  }

  /** The held view's accesses, with the attributes that the port had. */
  get slow(): SlowAccess {
    if (this.isReleased) {
      throw new MemoryError(
        'MAPPING_ENDED',
        'this hold on a layout was released; take another from the port',
      );
    }
    return this.pinned;
  }
}
