/** Word of each publication: which addresses of which address spaces answer differently. */
import type { AddressSpace } from '../model/address-space.ts';
import { type AddressWindow, changedRanges } from '../render/flat-view.ts';
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
    const compared: { change: ViewChange; windows: readonly AddressWindow[] }[] = [];
    const changed = views.map((change) => {
      const { addressSpace, before, after } = change;
      let pair = compared.find((known) => known.change.before === before && known.change.after === after);
      if (pair === undefined) {
        pair = { change, windows: changedRanges(before, after) };
        compared.push(pair); // address spaces that share a view share its comparison
      }
      return { addressSpace, windows: pair.windows };
    });
    for (const listener of this.listeners) listener({ generation, changed });
  }
}
