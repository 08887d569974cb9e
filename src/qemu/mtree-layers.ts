/** All regions that lie over each other at one address of a view, whether they answer or not. */
import { SIZE_2_64 } from '../base/addresses.ts';
import { DEPTH_MAX } from '../model/visit-budget.ts';
import type { Draft } from './mtree-draft.ts';

export interface Layer {
  readonly draft: Draft;
  readonly offsetInRegion: bigint;
  /** From the view's root through containers and aliases to the region, both included. */
  readonly path: readonly Draft[];
}

const LAYERS_MAX = 10_000;

/** The topmost first. Containers are among them: they may turn out to answer. */
export function layersAt(viewRoot: Draft, address: bigint): Layer[] {
  const layers: Layer[] = [];
  const visit = (draft: Draft, base: bigint, above: readonly Draft[]): void => {
    const offset = address - base;
    if (draft.node.disabled || offset < 0n || offset >= draft.size) return;
    if (above.length > DEPTH_MAX || layers.length > LAYERS_MAX) return;
    const path = [...above, draft];
    if (draft.aliasTarget !== null) {
      visit(draft.aliasTarget, base - draft.node.alias!.offset, path);
      return;
    }
    for (const child of draft.children) visit(child, base + child.address, path);
    layers.push({ draft, offsetInRegion: offset, path });
  };
  if (address < SIZE_2_64) visit(viewRoot, viewRoot.address, []);
  return layers;
}
