/**
 * Makes the trees' state visible to the readers: at the end of each outermost transaction it renders the
 * address spaces that may have changed, encodes what did, stores the new roots, begins a generation and
 * retires what was replaced.
 * Guarantee: readers find either the whole layout before the transaction or the whole one after it, per
 * address space; a transaction that cannot be published leaves roots, arena and tree as they were.
 * Writes: WORD_ROOTS. Order: encode, store the roots, tell the deltas, GraceWriter.advance(), GraceWriter.retire().
 */
import { MemoryError } from '../base/errors.ts';
import type { GraceWriter } from '../grace/writer.ts';
import { rootWord, type SharedWords } from '../layout/control-block.ts';
import type { AddressSpace } from '../model/address-space.ts';
import type { CallbackIommu } from '../model/callback-iommu.ts';
import type { MemoryRegion } from '../model/memory-region.ts';
import {
  mutate,
  type PreparedCommit,
  type TransactionChanges,
  type TransactionParticipant,
} from '../model/transaction.ts';
import { EMPTY_FLAT_VIEW, type FlatView, flatViewsEqual } from '../render/flat-view.ts';
import { renderFlatView } from '../render/render.ts';
import { viewRootOf } from '../render/view-root.ts';
import { letOwnersGo } from './cell-writer.ts';
import { DeltaWriter } from './delta-writer.ts';
import type { ViewResources } from './encode-view.ts';
import { IommuTables, type PreparedTables } from './iommu-tables.ts';
import type { ListenedCommit, Listeners } from './listeners.ts';
import { type PublicationListener, Publications } from './publications.ts';
import { PublishedSpaces, type SpaceState } from './published-spaces.ts';
import { RootWords } from './root-words.ts';
import { type PublishedView, ViewStore } from './view-store.ts';

export interface PublisherOptions {
  /** Retired bytes past which a transaction is refused with BACK_PRESSURE. */
  readonly garbageBytesMax: number;
  /** Told of an address space just before readers can find it. */
  readonly onAddressSpace?: (index: number, space: AddressSpace) => void;
  /** Called with the views that are new after their roots are stored, before anything that they replaced may be reclaimed. */
  readonly onPublished?: (views: readonly FlatView[]) => void;
  /** Told of each commit once its roots are visible, before what they replaced is retired. */
  readonly listeners?: Listeners;
  /** Must post the translator to every reader thread; see IommuSurroundings. */
  readonly onTranslator?: (translator: number, iommu: CallbackIommu, targets: readonly number[]) => void;
}

interface Replacement {
  readonly space: AddressSpace;
  readonly state: SpaceState;
  readonly before: PublishedView | null;
  readonly after: PublishedView;
}

/** All that one commit publishes. */
interface Prepared {
  readonly replacements: readonly Replacement[];
  readonly tables: PreparedTables | null;
  readonly topology: boolean;
  readonly changes: TransactionChanges;
}

export class Publisher implements TransactionParticipant {
  /** Stored in every view made from now on; readers find it as their port's layoutTag. The caller's number. */
  layoutTag = 0;
  /** Every view that was encoded and has not ended. */
  readonly store: ViewStore;
  private readonly control: SharedWords;
  private readonly grace: GraceWriter;
  private readonly deltas: DeltaWriter;
  private readonly options: PublisherOptions;
  private readonly spaces: PublishedSpaces;
  private readonly views = new Map<MemoryRegion | null, PublishedView>();
  private readonly announcements = new Publications();
  private readonly iommus: IommuTables;
  private readonly emptyView: PublishedView;
  private publicationCount = 0;
  private dirtyTracked = false;
  private publishedTracked = false;

  constructor(
    control: SharedWords,
    resources: Omit<ViewResources, 'iommuOf'>,
    grace: GraceWriter,
    options: PublisherOptions,
  ) {
    this.control = control;
    const roots = new RootWords();
    this.spaces = new PublishedSpaces(roots);
    this.iommus = new IommuTables(control, resources.arena, grace, {
      roots,
      indexOf: (space) => this.indexOf(space),
      nextVersion: () => this.store.nextVersion(),
      onTranslator: (...translator) => options.onTranslator?.(...translator),
    });
    const iommuOf: ViewResources['iommuOf'] = (region) => this.iommus.iommuOf(region);
    this.store = new ViewStore(control, { ...resources, iommuOf }, grace);
    this.grace = grace;
    this.deltas = new DeltaWriter(control);
    this.options = options;
    this.emptyView = this.store.encode(EMPTY_FLAT_VIEW, 0);
    this.emptyView.userCount = 1; // immortal
    this.views.set(null, this.emptyView);
  }

  /** Transactions that changed what readers see. */
  get publications(): number {
    return this.publicationCount;
  }

  get addressSpaces(): Iterable<AddressSpace> {
    return this.spaces.all;
  }

  /** Shows `space` to readers under the index that is returned; inside a transaction, at its end. */
  add(space: AddressSpace): number {
    return this.spaces.add(space);
  }

  /** Takes `space` from the readers: what still has a port to it finds nothing mapped. */
  remove(space: AddressSpace): void {
    this.spaces.remove(space);
  }

  has(space: AddressSpace): boolean {
    return this.spaces.has(space);
  }

  /** The index by which readers know `space`. */
  indexOf(space: AddressSpace): number {
    return this.spaces.stateOf(space).index;
  }

  /** Renders every address space again: all masks change. @throws what a transaction throws */
  setTracked(tracked: boolean): void {
    const before = this.dirtyTracked;
    mutate({
      pending: true,
      regions: [],
      apply: () => (this.dirtyTracked = tracked),
      undo: () => (this.dirtyTracked = before),
    });
  }

  /** The flat view that readers of `space` find. */
  flatViewOf(space: AddressSpace): FlatView {
    return (this.spaces.stateOf(space).view ?? this.emptyView).flat;
  }

  /** The same, once it is published. @throws MemoryError ADDRESS_SPACE_UNKNOWN while a transaction adds `space` */
  publishedViewOf(space: AddressSpace): FlatView {
    return this.spaces.publishedViewOf(space);
  }

  /** What readers find until the transaction that is open ends, also where that removes `space`. */
  seenViewOf(space: AddressSpace): FlatView {
    return this.spaces.seenViewOf(space);
  }

  /** Calls `listener` after each publication. It must not change the tree. Returns how to stop that. */
  onPublication(listener: PublicationListener): () => void {
    return this.announcements.listen(listener);
  }

  prepare(changes: TransactionChanges): PreparedCommit | null {
    const affected = this.spaces.affectedBy(changes, this.dirtyTracked !== this.publishedTracked);
    const { leaving } = this.spaces;
    if (affected.size === 0 && leaving.size === 0 && changes.iommus.size === 0)
      return this.prepareListeners(changes);
    this.refuseWhenBehind();
    const topology = [...affected.values()].some(({ view }) => view !== null);
    const fresh = new Map<MemoryRegion | null, PublishedView>();
    const replacements: Replacement[] = [];
    let tables: PreparedTables | null;
    try {
      for (const [space, state] of affected) {
        const after = this.viewFor(viewRootOf(space.root), fresh);
        if (after !== state.view) replacements.push({ space, state, before: state.view, after });
      }
      tables = this.iommus.prepare(); // after the views, which may show IOMMUs that were not shown before
    } catch (error) {
      this.store.abandon(fresh.values());
      throw error;
    }
    for (const [state, space] of leaving) {
      if (state.view !== this.emptyView)
        replacements.push({ space, state, before: state.view, after: this.emptyView });
    }
    return {
      publish: () => this.publish({ replacements, tables, topology, changes }),
      abandon: () => {
        this.store.abandon(fresh.values());
        tables?.abandon();
      },
    };
  }

  /** Where no view can be another one, listeners may still have something to hear. */
  private prepareListeners(changes: TransactionChanges): PreparedCommit | null {
    if (changes.eventfds.size === 0 && changes.coalesced.size === 0) return null;
    const commit = { views: [], topology: false, changes, removed: [] };
    return { publish: () => this.tellListeners(commit), abandon: () => {} };
  }

  /** No reader is left, and no transaction comes: what is shown here keeps no owner any more. */
  close(): void {
    for (const view of this.views.values()) letOwnersGo(view.encoded);
    this.views.clear();
  }

  private refuseWhenBehind(): void {
    if (this.grace.poll() <= this.options.garbageBytesMax) return;
    throw new MemoryError(
      'BACK_PRESSURE',
      `${this.grace.retiredBytes} retired bytes wait for a reader that has passed no checkpoint; ` +
        'await synchronize(), then run the transaction again',
    );
  }

  /** The published view of `viewRoot` if it is still true, else a new one, which is noted in `fresh`. */
  private viewFor(
    viewRoot: MemoryRegion | null,
    fresh: Map<MemoryRegion | null, PublishedView>,
  ): PublishedView {
    if (viewRoot === null) return this.emptyView;
    const known = fresh.get(viewRoot);
    if (known !== undefined) return known;
    const flat = renderFlatView(viewRoot, undefined, undefined, this.dirtyTracked);
    const published = this.views.get(viewRoot);
    if (published !== undefined && flatViewsEqual(published.flat, flat)) return published;
    const view = this.store.encode(flat, this.layoutTag);
    fresh.set(viewRoot, view);
    return view;
  }

  private publish({ replacements, tables, topology, changes }: Prepared): void {
    const removed = this.spaces.takeLeaving();
    this.publishedTracked = this.dirtyTracked;
    tables?.publish(); // before the views that may show them for the first time
    const isPublication = replacements.length > 0 || tables !== null;
    const generation = isPublication ? this.storeRoots(replacements) : null;
    const views = replacements.map(({ space, before, after }) => ({
      addressSpace: space,
      before: (before ?? this.emptyView).flat,
      after: after.flat,
    }));
    this.tellListeners({ views, topology, changes, removed });
    if (generation === null) return;
    tables?.retire();
    for (const { before } of replacements) this.retireUnused(before);
    if (replacements.length > 0) this.announcements.announce(generation, views);
  }

  /** @returns the generation in which readers find them */
  private storeRoots(replacements: readonly Replacement[]): number {
    for (const { space, state, before } of replacements) {
      if (before === null && this.spaces.has(space)) this.options.onAddressSpace?.(state.index, space);
    }
    for (const { state, after } of replacements) {
      Atomics.store(this.control, rootWord(state.index), after.encoded.headerCell); // pairs with ViewReader.takeView
    }
    this.deltas.write(
      replacements.map(({ state, before, after }) => ({
        addressSpace: state.index,
        version: after.version,
        before: (before ?? this.emptyView).flat,
        after: after.flat,
      })),
    );
    const generation = this.grace.advance();
    this.options.onPublished?.(replacements.map(({ after }) => after.flat));
    this.publicationCount += 1;
    for (const { state, before, after } of replacements) {
      state.view = after;
      after.userCount += 1;
      if (after.flat.root !== null) this.views.set(after.flat.root, after);
      if (before !== null) before.userCount -= 1;
    }
    return generation;
  }

  private tellListeners(commit: Omit<ListenedCommit, 'flatViewOf'>): void {
    this.options.listeners?.commit({ ...commit, flatViewOf: (space) => this.seenViewOf(space) });
  }

  private retireUnused(view: PublishedView | null): void {
    if (view === null || view.userCount !== 0) return;
    view.userCount = -1; // once only, though several address spaces left it together
    const { root } = view.flat;
    if (this.views.get(root) === view) this.views.delete(root);
    this.store.retire(view);
  }
}
