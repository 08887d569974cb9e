/**
 * The address spaces that readers know, each with the index of its root word and the view that is published
 * there. Control thread only. Guarantee: one comes and goes with the transaction that adds or removes it.
 */
import { MemoryError } from '../base/errors.ts';
import { type AddressSpace, requireAddressSpace } from '../model/address-space.ts';
import { rootsSeeing } from '../model/reachability.ts';
import { mutate, type TransactionChanges } from '../model/transaction.ts';
import { EMPTY_FLAT_VIEW, type FlatView } from '../render/flat-view.ts';
import type { RootWords } from './root-words.ts';
import type { PublishedView } from './view-store.ts';

export interface SpaceState {
  /** Of its root word. */
  readonly index: number;
  /** Null until its first publication. */
  view: PublishedView | null;
}

const NOBODY: readonly AddressSpace[] = [];

export class PublishedSpaces {
  private readonly roots: RootWords;
  private readonly spaces = new Map<AddressSpace, SpaceState>();
  /** Taken away in the transaction that is open. */
  private readonly removed = new Map<SpaceState, AddressSpace>();

  constructor(roots: RootWords) {
    this.roots = roots;
  }

  get all(): Iterable<AddressSpace> {
    return this.spaces.keys();
  }

  /** Those that the transaction that is open takes away. */
  get leaving(): ReadonlyMap<SpaceState, AddressSpace> {
    return this.removed;
  }

  /** @returns its index. @throws MemoryError INVALID_ARGUMENT, ADDRESS_SPACES_EXHAUSTED */
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
      undo: () => {
        this.spaces.delete(space);
        this.roots.giveBack(index, 1);
      },
    });
    return index;
  }

  /** @throws MemoryError ADDRESS_SPACE_UNKNOWN */
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

  /** @throws MemoryError ADDRESS_SPACE_UNKNOWN, INVALID_ARGUMENT */
  stateOf(space: AddressSpace): SpaceState {
    const state = this.spaces.get(space);
    if (state !== undefined) return state;
    requireAddressSpace('this machine', space);
    throw new MemoryError(
      'ADDRESS_SPACE_UNKNOWN',
      `address space '${space.name}' was not added to this machine`,
    );
  }

  /** What readers find. @throws MemoryError ADDRESS_SPACE_UNKNOWN, also while a transaction adds `space` */
  publishedViewOf(space: AddressSpace): FlatView {
    const { view } = this.stateOf(space);
    if (view !== null) return view.flat;
    throw new MemoryError(
      'ADDRESS_SPACE_UNKNOWN',
      `address space '${space.name}' appears at the end of the transaction that is open; use it after that`,
    );
  }

  /** What readers find until the transaction that is open ends, also where that removes `space`. */
  seenViewOf(space: AddressSpace): FlatView {
    for (const [state, gone] of this.removed)
      if (gone === space && state.view !== null) return state.view.flat;
    return this.spaces.get(space)?.view?.flat ?? EMPTY_FLAT_VIEW;
  }

  /** Those whose view may be another one. @param everywhere whether that is all */
  affectedBy({ regions, rerooted }: TransactionChanges, everywhere: boolean): Map<AddressSpace, SpaceState> {
    const affected = new Map<AddressSpace, SpaceState>();
    const note = (space: AddressSpace): void => {
      const state = this.spaces.get(space);
      if (state !== undefined) affected.set(space, state);
    };
    for (const space of rerooted) note(space);
    if (everywhere) for (const space of this.spaces.keys()) note(space);
    for (const space of rootsSeeing(regions)) note(space);
    return affected;
  }

  /** Those that leave are gone. */
  takeLeaving(): readonly AddressSpace[] {
    if (this.removed.size === 0) return NOBODY;
    const gone = [...this.removed.values()];
    this.removed.clear();
    return gone;
  }
}
