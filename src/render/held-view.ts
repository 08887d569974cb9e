/**
 * Counted references on flat views, for the control side. A view stays as it is for ever; while anyone holds
 * it, its regions (and with them their owners) are held too, whatever later transactions take away.
 */
import type { AddressSpace } from '../model/address-space.ts';
import { Hold, holdRegions } from '../model/region-hold.ts';
import type { FlatView } from './flat-view.ts';

interface CountedHold {
  readonly regions: Hold;
  count: number;
}

const holds = new WeakMap<FlatView, CountedHold>();

/** The first reference on a view holds its regions, the last lets them go. */
export function holdFlatView(what: string, view: FlatView): Hold {
  let counted = holds.get(view);
  if (counted === undefined) {
    const regions = [...new Set(view.ranges.map(({ region }) => region))];
    counted = { regions: holdRegions(what, regions), count: 0 };
    holds.set(view, counted);
  }
  const held = counted;
  held.count += 1;
  return new Hold(what, () => {
    held.count -= 1;
    if (held.count > 0) return;
    holds.delete(view);
    held.regions.release();
  });
}

/** What an address space showed at one moment, kept. */
export class HeldView {
  readonly addressSpace: AddressSpace;
  readonly flatView: FlatView;
  private readonly hold: Hold;

  constructor(addressSpace: AddressSpace, flatView: FlatView) {
    this.addressSpace = addressSpace;
    this.flatView = flatView;
    this.hold = holdFlatView(`held view of address space '${addressSpace.name}'`, flatView);
  }

  /** Gives the reference back. @throws MemoryError NOT_HELD the second time */
  release(): void {
    this.hold.release();
  }
}
