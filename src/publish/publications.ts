/** Word of each publication: which addresses of which address spaces answer differently. */
import { callOut } from '../base/call-out.ts';
import type { AddressSpace } from '../model/address-space.ts';
import type { AddressWindow } from '../render/flat-view.ts';
import { changedRanges, type ViewDifference } from '../render/view-difference.ts';
import type { ViewChange } from './view-change.ts';

/** What one publication changed. */
export interface Publication {
  /** Readers that have announced it, or a later one, use the new layout. */
  readonly generation: number;
  /**
   * The address spaces whose view is another one now, with the addresses that answer differently: none where
   * only dirty-log masks changed.
   */
  readonly changed: readonly {
    readonly addressSpace: AddressSpace;
    readonly windows: readonly AddressWindow[];
  }[];
}

export type PublicationListener = (publication: Publication) => void;

export class Publications {
  private readonly listeners = new Set<PublicationListener>();

  /** @returns how to stop it */
  listen(listener: PublicationListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  announce(generation: number, views: readonly ViewChange[]): void {
    if (this.listeners.size === 0) return;
    const known = new Map<ViewDifference, readonly AddressWindow[]>(); // address spaces that share a view share it
    const changed = views.map(({ addressSpace, difference }) => {
      const windows = known.get(difference) ?? changedRanges(difference);
      known.set(difference, windows);
      return { addressSpace, windows };
    });
    for (const listener of this.listeners) callOut(() => listener({ generation, changed }));
  }
}
