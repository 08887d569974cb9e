/** The flat views of several address spaces: one for each view root, shared by those that have the same. */
import type { AddressSpace } from '../model/address-space.ts';
import type { MemoryRegion } from '../model/memory-region.ts';
import { VisitBudget } from '../model/visit-budget.ts';
import type { FlatView } from './flat-view.ts';
import { renderFlatView } from './render.ts';
import { viewRootOf } from './view-root.ts';

export interface SharedView {
  /** At least one, in the order given. */
  readonly spaces: readonly AddressSpace[];
  readonly view: FlatView;
}

/**
 * Renders each view root once; views come in the order of their first address space.
 * @param budget for all of them together
 */
export function renderAddressSpaces(
  spaces: Iterable<AddressSpace>,
  budget = new VisitBudget(),
): SharedView[] {
  const spacesByRoot = new Map<MemoryRegion | null, AddressSpace[]>();
  for (const space of spaces) {
    const viewRoot = viewRootOf(space.root);
    const sharing = spacesByRoot.get(viewRoot);
    if (sharing === undefined) spacesByRoot.set(viewRoot, [space]);
    else sharing.push(space);
  }
  return [...spacesByRoot].map(([viewRoot, sharing]) => ({
    spaces: sharing,
    view: renderFlatView(viewRoot, undefined, budget),
  }));
}
