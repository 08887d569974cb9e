/**
 * The views that are published, by the region where they begin, and how the next ones come of them: by what a
 * transaction touched, or from the root where nothing is known. Control thread only.
 * Guarantee: address spaces with one view root show one view; a view stays while one of them does.
 */
import type { AddressSpace } from '../model/address-space.ts';
import type { MemoryRegion } from '../model/memory-region.ts';
import { carryUp, type Extent } from '../model/touched.ts';
import type { TransactionChanges } from '../model/transaction.ts';
import { VisitBudget } from '../model/visit-budget.ts';
import { EMPTY_FLAT_VIEW, type FlatView } from '../render/flat-view.ts';
import { renderFlatView } from '../render/render.ts';
import { type Rerendered, rerenderFlatView } from '../render/rerender.ts';
import { differenceBetween, type ViewDifference } from '../render/view-difference.ts';
import { viewRootOf } from '../render/view-root.ts';
import type { SpaceState } from './published-spaces.ts';
import type { PublishedView, ViewStore } from './view-store.ts';

/** An address space that shows another view. */
export interface Replacement {
  readonly space: AddressSpace;
  readonly state: SpaceState;
  readonly before: PublishedView | null;
  readonly after: PublishedView;
  readonly difference: ViewDifference;
}

/** The view of a view root after a transaction, and how it came about: from the one that was published before. */
interface Renewed {
  readonly view: PublishedView;
  readonly from: PublishedView | null;
  readonly difference: ViewDifference;
}

type Windows = ReadonlyMap<MemoryRegion, readonly Extent[]>;

export class PublishedViews {
  /** Stored in every view made from now on. */
  layoutTag = 0;
  /** Whether global dirty tracking is on, and whether it was at the last publication. */
  tracked = false;
  private shownTracked = false;
  private readonly store: ViewStore;
  /** Of tag 0; there for ever, so that an address space can always be taken away. */
  private readonly nothing: PublishedView;
  private readonly byRoot = new Map<MemoryRegion, PublishedView>();

  constructor(store: ViewStore) {
    this.store = store;
    this.nothing = store.encode(EMPTY_FLAT_VIEW, 0, null, []);
    store.show(this.nothing);
  }

  /** Whether all views are to be rendered again, for their masks. */
  get isRetracked(): boolean {
    return this.tracked !== this.shownTracked;
  }

  /**
   * What the affected address spaces show after the transaction, where that is another view.
   * @param leaving those that show nothing any more
   * @throws MemoryError; what was made is to be undone in the store
   */
  renew(
    affected: Iterable<[AddressSpace, SpaceState]>,
    leaving: Iterable<[SpaceState, AddressSpace]>,
    { touched }: TransactionChanges,
  ): Replacement[] {
    const windows = carryUp(touched);
    const renewed = new Map<MemoryRegion | null, Renewed>();
    const replacements: Replacement[] = [];
    const replace = (
      space: AddressSpace,
      state: SpaceState,
      { view: after, from, difference }: Renewed,
    ): void => {
      const before = state.view;
      if (before === after) return;
      const known = replacements.find((other) => other.before === before && other.after === after);
      const itsDifference =
        known?.difference ??
        (from !== null && from === before ? difference : differenceBetween(flatOf(before), after.flat));
      replacements.push({ space, state, before, after, difference: itsDifference });
    };
    for (const [space, state] of affected) {
      const viewRoot = viewRootOf(space.root);
      if (viewRoot === null && showsNothing(state)) continue;
      const known = renewed.get(viewRoot) ?? this.viewOf(viewRoot, windows);
      renewed.set(viewRoot, known);
      replace(space, state, known);
    }
    for (const [state, space] of leaving) {
      if (!showsNothing(state)) replace(space, state, { view: this.nothing, from: null, difference: [] });
    }
    return replacements;
  }

  /** The roots lead to what comes in the replacements. */
  show(replacements: readonly Replacement[]): void {
    this.shownTracked = this.tracked;
    for (const { state, after } of replacements) {
      state.view = after;
      this.store.show(after);
      const { root } = after.flat;
      if (root !== null) this.byRoot.set(root, after);
    }
    for (const { before } of replacements) if (before !== null) before.userCount -= 1;
  }

  /** Retires what no address space shows since. Call it after GraceWriter.advance(). */
  retire(replacements: readonly Replacement[]): void {
    for (const { before } of replacements) {
      if (before === null || before.userCount !== 0) continue;
      before.userCount = -1; // once only, though several address spaces left it together
      const { root } = before.flat;
      if (root !== null && this.byRoot.get(root) === before) this.byRoot.delete(root);
      this.store.retire(before);
    }
  }

  close(): void {
    for (const { flat } of this.byRoot.values()) flat.root?.keeper?.letGo();
    this.byRoot.clear();
  }

  /** The published view of `viewRoot` if it is still true, else a new one. */
  private viewOf(viewRoot: MemoryRegion | null, windows: Windows): Renewed {
    if (viewRoot === null) return { view: this.viewOfNothing(), from: null, difference: [] };
    const from = this.byRoot.get(viewRoot) ?? null;
    const { view: flat, difference } = this.render(viewRoot, from, windows);
    if (from !== null && difference.length === 0) return { view: from, from, difference };
    return { view: this.store.encode(flat, this.layoutTag, from, difference), from, difference };
  }

  private viewOfNothing(): PublishedView {
    return this.layoutTag === 0 ? this.nothing : this.store.encode(EMPTY_FLAT_VIEW, this.layoutTag, null, []);
  }

  private render(viewRoot: MemoryRegion, from: PublishedView | null, windows: Windows): Rerendered {
    const budget = new VisitBudget();
    const { address } = viewRoot;
    if (from === null || from.rootAddress !== address || this.isRetracked) {
      const view = renderFlatView(viewRoot, undefined, budget, this.tracked);
      return { view, difference: differenceBetween(flatOf(from), view) };
    }
    const touched = (windows.get(viewRoot) ?? []).map(({ start, end }) => ({
      start: start + address,
      end: end + address,
    }));
    return rerenderFlatView(from.flat, viewRoot, touched, budget, this.tracked);
  }
}

const showsNothing = ({ view }: SpaceState): boolean => view?.flat === EMPTY_FLAT_VIEW;
const flatOf = (view: PublishedView | null): FlatView => view?.flat ?? EMPTY_FLAT_VIEW;
