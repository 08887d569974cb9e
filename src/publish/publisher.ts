/**
 * Makes the trees' state visible to the readers: at the end of each outermost transaction it renders the
 * address spaces that may have changed, encodes what did, stores the new roots, begins a generation and
 * retires what was replaced.
 * Guarantee: readers find either the whole layout before the transaction or the whole one after it, per
 * address space; a transaction that cannot be published leaves roots, arena and tree as they were.
 * Writes: WORD_ROOTS. Order: encode, store the roots, GraceWriter.advance(), GraceWriter.retire().
 */
import { MemoryError } from '../base/errors.ts';
import type { GraceWriter } from '../grace/writer.ts';
import { rootWord, type SharedWords } from '../layout/control-block.ts';
import type { AddressSpace } from '../model/address-space.ts';
import type { CallbackIommu } from '../model/callback-iommu.ts';
import type { MemoryRegion } from '../model/memory-region.ts';
import { rootsSeeing } from '../model/reachability.ts';
import {
  mutate,
  type PreparedCommit,
  type TransactionChanges,
  type TransactionParticipant,
} from '../model/transaction.ts';
import {
  type AddressWindow,
  changedRanges,
  EMPTY_FLAT_VIEW,
  type FlatView,
  flatViewsEqual,
} from '../render/flat-view.ts';
import { renderFlatView } from '../render/render.ts';
import { viewRootOf } from '../render/view-root.ts';
import { type EncodedView, releaseView } from './cell-writer.ts';
import { encodeView, type ViewResources } from './encode-view.ts';
import { IommuTables, type PreparedTables } from './iommu-tables.ts';
import { RootWords } from './root-words.ts';

/** What one publication changed. */
export interface Publication {
  /** Readers that have announced it, or a later one, use the new layout. */
  readonly generation: number;
  /** The address spaces whose view is another one now, with the addresses that answer differently. */
  readonly changed: readonly {
    readonly addressSpace: AddressSpace;
    readonly windows: readonly AddressWindow[];
  }[];
}

export interface PublisherOptions {
  /** Retired bytes past which a transaction is refused with BACK_PRESSURE. */
  readonly garbageBytesMax: number;
  /** Told of an address space just before readers can find it. */
  readonly onAddressSpace?: (index: number, space: AddressSpace) => void;
  /** Called after the new roots are stored, before anything that they replaced may be reclaimed. */
  readonly onPublished?: () => void;
  /** Must post the translator to every reader thread; see IommuSurroundings. */
  readonly onTranslator?: (translator: number, iommu: CallbackIommu, targets: readonly number[]) => void;
}

interface PublishedView {
  readonly flat: FlatView;
  readonly encoded: EncodedView;
  /** Address spaces that show it; it is retired with the last. */
  userCount: number;
}

interface SpaceState {
  readonly index: number;
  view: PublishedView | null;
}

interface Replacement {
  readonly space: AddressSpace;
  readonly state: SpaceState;
  readonly before: PublishedView | null;
  readonly after: PublishedView;
}

export class Publisher implements TransactionParticipant {
  /** Stored in every view made from now on; readers find it as their port's layoutTag. The caller's number. */
  layoutTag = 0;
  private readonly control: SharedWords;
  private readonly resources: ViewResources;
  private readonly grace: GraceWriter;
  private readonly options: PublisherOptions;
  private readonly spaces = new Map<AddressSpace, SpaceState>();
  /** Taken away in the transaction that is open. */
  private readonly removed = new Map<SpaceState, AddressSpace>();
  private readonly views = new Map<MemoryRegion | null, PublishedView>();
  private readonly listeners = new Set<(publication: Publication) => void>();
  private readonly iommus: IommuTables;
  private readonly emptyView: PublishedView;
  private readonly roots = new RootWords();
  private version = 0;
  private publicationCount = 0;

  constructor(
    control: SharedWords,
    resources: Omit<ViewResources, 'iommuOf'>,
    grace: GraceWriter,
    options: PublisherOptions,
  ) {
    this.control = control;
    this.iommus = new IommuTables({
      arena: resources.arena,
      control,
      roots: this.roots,
      indexOf: (space) => this.indexOf(space),
      nextVersion: () => this.nextVersion(),
      onTranslator: (...translator) => options.onTranslator?.(...translator),
      gracePeriod: () => grace.synchronize(),
    });
    this.resources = { ...resources, iommuOf: (region) => this.iommus.iommuOf(region) };
    this.grace = grace;
    this.options = options;
    this.emptyView = this.encode(EMPTY_FLAT_VIEW);
    this.emptyView.userCount = 1; // immortal
    this.views.set(null, this.emptyView);
  }

  /** Transactions that changed what readers see. */
  get publications(): number {
    return this.publicationCount;
  }

  get addressSpaces(): Iterable<AddressSpace> {
    return this.spaces.keys();
  }

  /** Shows `space` to readers under the index that is returned; inside a transaction, at its end. */
  add(space: AddressSpace): number {
    if (this.spaces.has(space)) {
      throw new MemoryError(
        'INVALID_ARGUMENT',
        `address space '${space.name}' belongs to this machine already`,
      );
    }
    const index = this.roots.take(1, `address space '${space.name}'`);
    const state: SpaceState = { index, view: null };
    mutate({
      pending: true,
      regions: [],
      space,
      apply: () => this.spaces.set(space, state),
      undo: () => this.spaces.delete(space),
    });
    return index;
  }

  /** Takes `space` from the readers: what still has a port to it finds nothing mapped. */
  remove(space: AddressSpace): void {
    const state = this.stateOf(space);
    mutate({
      pending: true,
      regions: [],
      space,
      apply: () => this.removed.set(state, space) && this.spaces.delete(space),
      undo: () => this.removed.delete(state) && this.spaces.set(space, state),
    });
  }

  has(space: AddressSpace): boolean {
    return this.spaces.has(space);
  }

  /** The index by which readers know `space`. */
  indexOf(space: AddressSpace): number {
    return this.stateOf(space).index;
  }

  /** The flat view that readers of `space` find. */
  flatViewOf(space: AddressSpace): FlatView {
    return (this.stateOf(space).view ?? this.emptyView).flat;
  }

  /** Calls `listener` after each publication. It must not change the tree. Returns how to stop that. */
  onPublication(listener: (publication: Publication) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  prepare(changes: TransactionChanges): PreparedCommit | null {
    const affected = this.affectedSpaces(changes);
    if (affected.size === 0 && this.removed.size === 0 && changes.iommus.size === 0) return null;
    this.refuseWhenBehind();
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
      this.releaseAll(fresh.values());
      throw error;
    }
    for (const [state, space] of this.removed) {
      if (state.view !== this.emptyView)
        replacements.push({ space, state, before: state.view, after: this.emptyView });
    }
    return {
      publish: () => this.publish(replacements, tables),
      abandon: () => {
        this.releaseAll(fresh.values());
        tables?.abandon();
      },
    };
  }

  private nextVersion(): number {
    this.version = (this.version + 1) | 0;
    return this.version;
  }

  private stateOf(space: AddressSpace): SpaceState {
    const state = this.spaces.get(space);
    if (state === undefined) {
      throw new MemoryError(
        'ADDRESS_SPACE_UNKNOWN',
        `address space '${space.name}' was not added to this machine`,
      );
    }
    return state;
  }

  private affectedSpaces({ regions, rerooted }: TransactionChanges): Map<AddressSpace, SpaceState> {
    const affected = new Map<AddressSpace, SpaceState>();
    const note = (space: AddressSpace): void => {
      const state = this.spaces.get(space);
      if (state !== undefined) affected.set(space, state);
    };
    for (const space of rerooted) note(space);
    for (const region of regions) for (const space of rootsSeeing(region)) note(space);
    return affected;
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
    const flat = renderFlatView(viewRoot);
    const published = this.views.get(viewRoot);
    if (published !== undefined && flatViewsEqual(published.flat, flat)) return published;
    const view = this.encode(flat);
    fresh.set(viewRoot, view);
    return view;
  }

  private encode(flat: FlatView): PublishedView {
    const encoded = encodeView(flat, this.resources, this.nextVersion(), this.layoutTag);
    return { flat, encoded, userCount: 0 };
  }

  private releaseAll(views: Iterable<PublishedView>): void {
    for (const view of views) releaseView(view.encoded, this.resources.arena);
  }

  private publish(replacements: readonly Replacement[], tables: PreparedTables | null): void {
    this.removed.clear();
    if (replacements.length === 0 && tables === null) return;
    for (const { space, state, before } of replacements) {
      if (before === null && this.spaces.has(space)) this.options.onAddressSpace?.(state.index, space);
    }
    const oldTables = tables?.publish() ?? []; // before the views that may show them for the first time
    for (const { state, after } of replacements) {
      Atomics.store(this.control, rootWord(state.index), after.encoded.headerCell); // pairs with ViewReader.refreshView
    }
    const generation = this.grace.advance();
    this.options.onPublished?.();
    this.publicationCount += 1;
    for (const { state, before, after } of replacements) {
      state.view = after;
      after.userCount += 1;
      if (after.flat.root !== null) this.views.set(after.flat.root, after);
      if (before !== null) before.userCount -= 1;
    }
    for (const { before } of replacements) this.retireUnused(before);
    for (const table of oldTables) this.retire(table);
    if (this.listeners.size > 0 && replacements.length > 0) this.announce(generation, replacements);
  }

  private retireUnused(view: PublishedView | null): void {
    if (view === null || view.userCount !== 0) return;
    view.userCount = -1; // once only, though several address spaces left it together
    const { root } = view.flat;
    if (this.views.get(root) === view) this.views.delete(root);
    this.retire(view.encoded);
  }

  private retire(encoded: EncodedView): void {
    this.grace.retire(encoded.sizeBytes, () => releaseView(encoded, this.resources.arena));
  }

  private announce(generation: number, replacements: readonly Replacement[]): void {
    const compared: { before: PublishedView; after: PublishedView; windows: readonly AddressWindow[] }[] = [];
    const changed = replacements.map(({ space, before, after }) => {
      const old = before ?? this.emptyView;
      let pair = compared.find((known) => known.before === old && known.after === after);
      if (pair === undefined) {
        pair = { before: old, after, windows: changedRanges(old.flat, after.flat) };
        compared.push(pair); // address spaces that share a view share its comparison
      }
      return { addressSpace: space, windows: pair.windows };
    });
    for (const listener of this.listeners) listener({ generation, changed });
  }
}
