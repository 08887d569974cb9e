/**
 * The listeners of one machine: each on one address space.
 * Guarantee: from its registration to its removal, what a listener is told adds up to what its address space
 * shows: all of it when it comes, all of it back when it goes or its address space does.
 */
import { describeValue, invalidArgument, optionsFromArgument } from '../base/arguments.ts';
import type { AddressSpace } from '../model/address-space.ts';
import { nameFromArgument } from '../model/arguments.ts';
import type { TransactionChanges } from '../model/transaction.ts';
import { EMPTY_FLAT_VIEW, type FlatView } from '../render/flat-view.ts';
import { differenceBetween } from '../render/view-difference.ts';
import { Audience, type OnListenerError } from './audience.ts';
import { type ChangedLists, tellChange } from './listener-passes.ts';
import type { MemoryListener } from './memory-listener.ts';
import type { ViewChange } from './view-change.ts';

/** One commit, as listeners need to know it. */
export interface ListenedCommit {
  /** Of the address spaces that show another view now; one that is removed shows nothing. */
  readonly views: readonly ViewChange[];
  /** Whether an address space that was there before was rendered again. */
  readonly topology: boolean;
  readonly changes: TransactionChanges;
  readonly removed: Iterable<AddressSpace>;
  flatViewOf(space: AddressSpace): FlatView;
}

interface Registration {
  readonly listener: MemoryListener;
  readonly space: AddressSpace;
}

const NO_LISTS: ChangedLists = { eventfds: new Map(), coalesced: new Map() };

export class Listeners {
  /** Ascending priority, equals in order of registration. */
  private readonly registrations: Registration[] = [];
  private readonly onError: OnListenerError;

  constructor(onError: OnListenerError) {
    this.onError = onError;
  }

  /** All, whatever their address spaces. */
  get everyone(): Audience {
    return this.audience(() => true);
  }

  only(listener: MemoryListener): Audience {
    return new Audience([listener], this.onError);
  }

  /** With their address spaces, ascending. */
  get registered(): readonly Registration[] {
    return this.registrations;
  }

  /**
   * Registers `listener`, and tells it all of `view`, which `space` shows.
   * @param start runs after its begin; what it throws undoes the registration
   * @throws MemoryError INVALID_ARGUMENT for a listener that is there already, or cannot be one
   */
  add(listener: MemoryListener, space: AddressSpace, view: FlatView, start: () => void): void {
    const where = checkListener(listener);
    const known = this.registrations.find((registration) => registration.listener === listener);
    if (known !== undefined)
      throw invalidArgument(
        where,
        `it is registered already, on address space '${known.space.name}'; make one for each`,
      );
    const after = this.registrations.findIndex((other) => other.listener.priority > listener.priority);
    this.registrations.splice(after < 0 ? this.registrations.length : after, 0, { listener, space });
    const change = changeBetween(space, EMPTY_FLAT_VIEW, view);
    this.bracketed(listener, (audience) => {
      try {
        start();
      } catch (error) {
        this.forget(listener);
        throw error;
      }
      tellChange(audience, change, NO_LISTS, false);
    });
  }

  /** Takes all that its address space shows back from `listener`. One that is not registered is left alone. */
  remove(listener: MemoryListener, viewOf: (space: AddressSpace) => FlatView): void {
    const space = this.forget(listener);
    if (space === null) return;
    const change = changeBetween(space, viewOf(space), EMPTY_FLAT_VIEW);
    this.bracketed(listener, (audience) => tellChange(audience, change, NO_LISTS, false));
  }

  /** After the new roots are visible, before anything old is reclaimed. */
  commit(commit: ListenedCommit): void {
    const views = new Map(commit.views.map((change) => [change.addressSpace, change]));
    const hearing = this.audience(
      ({ listener, space }) => views.has(space) || (commit.topology && listener.fullPass === true),
    );
    hearing.ascending('begin', null, (listener) => listener.begin?.());
    for (const space of this.spaces()) {
      const audience = this.audience((registration) => registration.space === space);
      const view = commit.flatViewOf(space);
      const change = views.get(space) ?? { addressSpace: space, before: view, after: view, difference: [] };
      tellChange(audience, change, commit.changes, commit.topology);
    }
    hearing.ascending('commit', null, (listener) => listener.commit?.());
    for (const gone of commit.removed)
      for (const { listener, space } of [...this.registrations]) if (space === gone) this.forget(listener);
  }

  /** @returns the address space that it was on; null if it was on none */
  private forget(listener: MemoryListener): AddressSpace | null {
    const index = this.registrations.findIndex((registration) => registration.listener === listener);
    return this.registrations.splice(index, index < 0 ? 0 : 1)[0]?.space ?? null;
  }

  private audience(hears: (registration: Registration) => boolean): Audience {
    return new Audience(
      this.registrations.filter(hears).map(({ listener }) => listener),
      this.onError,
    );
  }

  /** Those that have listeners, in order of creation. */
  private spaces(): AddressSpace[] {
    return [...new Set(this.registrations.map(({ space }) => space))].sort((a, b) => a.id - b.id);
  }

  private bracketed(listener: MemoryListener, body: (audience: Audience) => void): void {
    const audience = this.only(listener);
    audience.ascending('begin', null, () => listener.begin?.());
    try {
      body(audience);
    } finally {
      audience.ascending('commit', null, () => listener.commit?.());
    }
  }
}

const changeBetween = (addressSpace: AddressSpace, before: FlatView, after: FlatView): ViewChange => ({
  ...{ addressSpace, before, after, difference: differenceBetween(before, after) },
});

/** @returns how messages call it */
function checkListener(listener: MemoryListener): string {
  const { name, priority, logSync, logSyncGlobal } = optionsFromArgument('a listener', listener);
  const where = `listener '${nameFromArgument('a listener', name)}'`;
  if (!Number.isInteger(priority) || priority < 0 || priority >= 2 ** 32)
    throw invalidArgument(
      where,
      `priority must be an integer from 0 to 2^32 - 1, got ${describeValue(priority)}`,
    );
  if (logSync !== undefined && logSyncGlobal !== undefined)
    throw invalidArgument(
      where,
      'it has both logSync and logSyncGlobal; the first is for ranges, the second for who has none',
    );
  return where;
}
