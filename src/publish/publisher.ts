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
import {
  mutate,
  type PreparedCommit,
  type TransactionChanges,
  type TransactionParticipant,
} from '../model/transaction.ts';
import { EMPTY_FLAT_VIEW, type FlatView } from '../render/flat-view.ts';
import type { Arena } from './arena.ts';
import { CellStore } from './cell-store.ts';
import { DeltaWriter } from './delta-writer.ts';
import type { ViewResources } from './encode-view.ts';
import { IommuTables, type PreparedTables } from './iommu-tables.ts';
import type { ListenedCommit, Listeners } from './listeners.ts';
import { type PublicationListener, Publications } from './publications.ts';
import { PublishedSpaces } from './published-spaces.ts';
import { PublishedViews, type Replacement } from './published-views.ts';
import { RootWords } from './root-words.ts';
import type { ViewChange } from './view-change.ts';
import { ViewStore } from './view-store.ts';

export interface PublisherOptions {
  /** Retired bytes past which a transaction is refused with BACK_PRESSURE. */
  readonly garbageBytesMax: number;
  /** Told of an address space just before readers can find it. */
  readonly onAddressSpace?: (index: number, space: AddressSpace) => void;
  /** Called with what differs after the roots are stored, before anything that was replaced may be reclaimed. */
  readonly onPublished?: (changes: readonly ViewChange[]) => void;
  /** Told of each commit once its roots are visible, before what they replaced is retired. */
  readonly listeners?: Listeners;
  /** Must post the translator to every reader thread; see IommuSurroundings. */
  readonly onTranslator?: (translator: number, iommu: CallbackIommu, targets: readonly number[]) => void;
}

/** All that one commit publishes. */
interface Prepared {
  readonly replacements: readonly Replacement[];
  readonly tables: PreparedTables | null;
  readonly topology: boolean;
  readonly changes: TransactionChanges;
}

export class Publisher implements TransactionParticipant {
  /** Every view that was encoded and has not ended. */
  readonly store: ViewStore;
  private readonly control: SharedWords;
  private readonly grace: GraceWriter;
  private readonly deltas: DeltaWriter;
  private readonly options: PublisherOptions;
  private readonly spaces: PublishedSpaces;
  private readonly views: PublishedViews;
  private readonly cells: CellStore;
  private readonly announcements = new Publications();
  private readonly iommus: IommuTables;
  private publicationCount = 0;

  constructor(
    control: SharedWords,
    resources: Omit<ViewResources, 'iommuOf'> & { readonly arena: Arena },
    grace: GraceWriter,
    options: PublisherOptions,
  ) {
    this.control = control;
    this.cells = new CellStore(resources.arena);
    const roots = new RootWords();
    this.spaces = new PublishedSpaces(roots);
    this.iommus = new IommuTables(control, this.cells, grace, {
      roots,
      indexOf: (space) => this.indexOf(space),
      nextVersion: () => this.store.nextVersion(),
      onTranslator: (...translator) => options.onTranslator?.(...translator),
    });
    const iommuOf: ViewResources['iommuOf'] = (region) => this.iommus.iommuOf(region);
    this.store = new ViewStore(control, this.cells, { ...resources, iommuOf }, grace);
    this.grace = grace;
    this.deltas = new DeltaWriter(control);
    this.options = options;
    this.views = new PublishedViews(this.store);
    this.cells.settle();
  }

  /** Stored in every view made from now on; readers find it as their port's layoutTag. The caller's number. */
  get layoutTag(): number {
    return this.views.layoutTag;
  }
  set layoutTag(tag: number) {
    this.views.layoutTag = tag;
  }

  /** Transactions that changed what readers see. */
  get publications(): number {
    return this.publicationCount;
  }

  /** Bytes of the arena that roots reach. */
  get shownBytes(): number {
    return this.cells.shownBytes;
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
    const before = this.views.tracked;
    mutate({
      pending: true,
      regions: [],
      apply: () => (this.views.tracked = tracked),
      undo: () => (this.views.tracked = before),
    });
  }

  /** The flat view that readers of `space` find. */
  flatViewOf(space: AddressSpace): FlatView {
    return this.spaces.stateOf(space).view?.flat ?? EMPTY_FLAT_VIEW;
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
    const affected = this.spaces.affectedBy(changes, this.views.isRetracked);
    const { leaving } = this.spaces;
    if (affected.size === 0 && leaving.size === 0 && changes.iommus.size === 0)
      return this.prepareListeners(changes);
    this.refuseWhenBehind();
    const topology = [...affected.values()].some(({ view }) => view !== null);
    let replacements: readonly Replacement[];
    let tables: PreparedTables | null;
    try {
      replacements = this.views.renew(affected, leaving, changes);
      tables = this.iommus.prepare(); // after the views, which may show IOMMUs that were not shown before
    } catch (error) {
      this.undo();
      throw error;
    }
    return {
      publish: () => this.publish({ replacements, tables, topology, changes }),
      abandon: () => this.undo(),
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
    this.views.close();
    this.cells.letOwnersGo();
  }

  private refuseWhenBehind(): void {
    if (this.grace.poll() <= this.options.garbageBytesMax) return;
    throw new MemoryError(
      'BACK_PRESSURE',
      `${this.grace.retiredBytes} retired bytes wait for a reader that has passed no checkpoint; ` +
        'await synchronize(), then run the transaction again',
    );
  }

  private undo(): void {
    this.cells.undo();
    this.iommus.undo();
  }

  private publish({ replacements, tables, topology, changes }: Prepared): void {
    this.cells.settle();
    this.iommus.settle();
    const removed = this.spaces.takeLeaving();
    tables?.publish(); // before the views that may show them for the first time
    const isPublication = replacements.length > 0 || tables !== null;
    const views = replacements.map(({ space, before, after, difference }) => ({
      addressSpace: space,
      before: before?.flat ?? EMPTY_FLAT_VIEW,
      after: after.flat,
      difference,
    }));
    const generation = isPublication ? this.storeRoots(replacements, views) : null;
    this.views.show(replacements);
    this.tellListeners({ views, topology, changes, removed });
    if (generation === null) return;
    tables?.retire();
    this.views.retire(replacements);
    if (replacements.length > 0) this.announcements.announce(generation, views);
  }

  /** @returns the generation in which readers find them */
  private storeRoots(replacements: readonly Replacement[], views: readonly ViewChange[]): number {
    for (const { space, state, before } of replacements) {
      if (before === null && this.spaces.has(space)) this.options.onAddressSpace?.(state.index, space);
    }
    for (const { state, after } of replacements) {
      Atomics.store(this.control, rootWord(state.index), after.headerCell); // pairs with ViewReader.takeView
    }
    this.deltas.write(
      replacements.map(({ state, after, difference }) => ({
        addressSpace: state.index,
        version: after.version,
        difference,
      })),
    );
    const generation = this.grace.advance();
    this.options.onPublished?.(views);
    this.publicationCount += 1;
    return generation;
  }

  private tellListeners(commit: Omit<ListenedCommit, 'flatViewOf'>): void {
    const { listeners } = this.options;
    if (listeners === undefined || listeners.registered.length === 0) return;
    listeners.commit({ ...commit, flatViewOf: (space) => this.seenViewOf(space) });
  }
}
