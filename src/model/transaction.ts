/**
 * Transactions: mutators between the outermost begin and end become visible together, or not at all.
 * Guarantee: a body that throws leaves the tree as it was at the begin of that (nested) transaction, with
 * the order of all children; so does a participant that refuses at the end of the outermost one.
 * Nothing is published inside a transaction: readers keep the map they have.
 * State: one global journal for all trees, as in QEMU; it belongs to the thread that owns the trees.
 */
import { functionFromArgument } from '../base/arguments.ts';
import { callOut } from '../base/call-out.ts';
import { MemoryError } from '../base/errors.ts';
import type { AddressSpace } from './address-space.ts';
import type { CoalescedRange } from './coalesced-ranges.ts';
import { refuseEndlessViews } from './endless-view.ts';
import type { RegionEventfd } from './eventfd-list.ts';
import type { Iommu } from './iommu.ts';
import type { MemoryRegion } from './memory-region.ts';
import { refuseFinalized } from './region-lifetime.ts';
import type { Touched } from './touched.ts';

/** What a transaction changed. At least one of the five is not empty. */
export interface TransactionChanges {
  /**
   * Regions whose properties changed; for a region mapped or unmapped, it and the container. Empty, as is
   * `rerooted`, where no view can look different: then no map is rebuilt.
   */
  readonly regions: ReadonlySet<MemoryRegion>;
  /** Where those can look different. */
  readonly touched: readonly Touched[];
  /** Address spaces that were given another root, came or went. */
  readonly rerooted: ReadonlySet<AddressSpace>;
  /** Regions whose ioeventfds changed, each with its list before the transaction. */
  readonly eventfds: ReadonlyMap<MemoryRegion, readonly RegionEventfd[]>;
  /** Regions whose coalesced ranges or flush flag changed, each with its ranges before the transaction. */
  readonly coalesced: ReadonlyMap<MemoryRegion, readonly CoalescedRange[]>;
  /** IOMMUs whose mappings changed. */
  readonly iommus: ReadonlySet<Iommu>;
}

/** Whoever makes the new state of the trees visible. Called at the end of an outermost transaction. */
export interface TransactionParticipant {
  /**
   * Does all that may fail, and publishes nothing. What it throws undoes the transaction.
   * @returns null if nothing of this participant's changes
   */
  prepare(changes: TransactionChanges): PreparedCommit | null;
}

/** Exactly one of the two is called. Neither may throw, nor call a mutator. */
export interface PreparedCommit {
  publish(): void;
  abandon(): void;
}

/** One change that can be undone. The closures touch only what the mutator owns. */
export interface Mutation {
  /** Whether a view may look different (topology pending): a transaction without such a change rebuilds no map. */
  readonly pending: boolean;
  readonly regions: readonly MemoryRegion[];
  /** Where views can look different, by what the tree was before it; nowhere by default. */
  readonly touched?: readonly Touched[];
  readonly space?: AddressSpace;
  /** A region that may show more, or elsewhere, than before: it might show itself. */
  readonly reshaped?: MemoryRegion;
  /** Other ioeventfds (ioeventfd pending), and those before. */
  readonly eventfds?: { readonly region: MemoryRegion; readonly before: readonly RegionEventfd[] };
  /** Other coalesced ranges or another flush flag, and the ranges before. */
  readonly coalesced?: { readonly region: MemoryRegion; readonly before: readonly CoalescedRange[] };
  /** An IOMMU with other mappings. */
  readonly iommu?: Iommu;
  apply(): void;
  undo(): void;
  /** Called once it can no longer be undone and readers may see it; may begin transactions. */
  committed?(): void;
}

const participants = new Set<TransactionParticipant>();
const journal: Mutation[] = [];
/** What is to be called after the transaction that has just been committed. */
let afterwards: Mutation[] = [];
let depth = 0;
let committing = false;

export function registerParticipant(participant: TransactionParticipant): void {
  participants.add(participant);
}

export function unregisterParticipant(participant: TransactionParticipant): void {
  participants.delete(participant);
}

/**
 * Runs `body`; its mutators, and those of transactions inside it, take effect together at its end.
 * @returns what `body` returns; it must not be a promise, because a transaction ends when `body` does
 * @throws what `body` or a participant throws, after the tree was put back
 * @throws MemoryError ALIAS_CYCLE if a region would show itself at its own place
 * @throws MemoryError REGION_FINALIZED for a region whose end has come
 * @throws MemoryError TRANSACTION_REENTERED from inside a participant; INVALID_ARGUMENT for an async body
 * @source QEMU docs/devel/memory.rst: memory_region_transaction_begin, memory_region_transaction_commit
 */
export function transaction<T>(body: () => T): T {
  functionFromArgument('a transaction', 'its body', body);
  refuseWhileCommitting();
  const mark = journal.length;
  depth++;
  let result: T;
  try {
    result = body();
    refusePromise(result);
    if (depth === 1) commit();
  } catch (error) {
    undoTo(mark);
    throw error;
  } finally {
    depth--;
    if (depth === 0) journal.length = 0;
  }
  if (depth === 0) tellCommitted();
  return result;
}

/** Applies a mutation inside the open transaction, or inside one of its own. */
export function mutate(mutation: Mutation): void {
  if (depth === 0 || committing) {
    transaction(() => mutate(mutation));
    return;
  }
  for (const region of mutation.regions) refuseFinalized(region);
  mutation.apply();
  journal.push(mutation);
}

function tellCommitted(): void {
  const told = afterwards;
  afterwards = [];
  for (const mutation of told) callOut(() => mutation.committed?.());
}

/** @throws MemoryError TRANSACTION_REENTERED from inside a participant, or from what it calls */
export function refuseWhileCommitting(): void {
  if (!committing) return;
  throw new MemoryError(
    'TRANSACTION_REENTERED',
    'a participant or a listener changed something while a transaction was being committed; change it before or after',
  );
}

/** Runs `body`, from which mutators are refused as they are from inside a participant. */
export function refusingMutators(body: () => void): void {
  const before = committing;
  committing = true;
  try {
    body();
  } finally {
    committing = before;
  }
}

/** @throws MemoryError TRANSACTION_OPEN inside a transaction, for what must take effect at once */
export function refuseInTransaction(what: string): void {
  refuseWhileCommitting();
  if (depth === 0) return;
  throw new MemoryError(
    'TRANSACTION_OPEN',
    `${what} takes effect at once; do it before or after the transaction`,
  );
}

function refusePromise(result: unknown): void {
  if (
    typeof result !== 'object' ||
    result === null ||
    !('then' in result) ||
    typeof result.then !== 'function'
  )
    return;
  Promise.resolve(result).catch(() => {}); // its failure is of no interest any more, this one is
  throw new MemoryError(
    'INVALID_ARGUMENT',
    'the body of a transaction returned a promise; await first, then run the mutators in a body that is not async',
  );
}

function undoTo(mark: number): void {
  while (journal.length > mark) journal.pop()!.undo();
}

function commit(): void {
  refuseEndlessViews(reshapedRegions());
  const changes = journalledChanges();
  if (changes === null) return;
  committing = true;
  try {
    const prepared = prepareAll(changes);
    afterwards = journal.filter((mutation) => mutation.committed !== undefined);
    journal.length = 0; // from here on nothing can be undone
    publishAll(prepared);
  } finally {
    committing = false;
  }
}

function reshapedRegions(): Set<MemoryRegion> {
  const reshaped = new Set<MemoryRegion>();
  for (const mutation of journal) if (mutation.reshaped !== undefined) reshaped.add(mutation.reshaped);
  return reshaped;
}

/** Null where nothing is pending. */
function journalledChanges(): TransactionChanges | null {
  const regions = new Set<MemoryRegion>();
  const touched: Touched[] = [];
  const rerooted = new Set<AddressSpace>();
  const eventfds = new Map<MemoryRegion, readonly RegionEventfd[]>();
  const coalesced = new Map<MemoryRegion, readonly CoalescedRange[]>();
  const iommus = new Set<Iommu>();
  const topology = journal.some(({ pending }) => pending);
  for (const mutation of journal) {
    noteFirst(eventfds, mutation.eventfds);
    noteFirst(coalesced, mutation.coalesced);
    if (mutation.iommu !== undefined) iommus.add(mutation.iommu);
    if (!topology) continue;
    for (const region of mutation.regions) regions.add(region);
    if (mutation.touched !== undefined) touched.push(...mutation.touched);
    if (mutation.space !== undefined) rerooted.add(mutation.space);
  }
  if (!topology && eventfds.size === 0 && coalesced.size === 0 && iommus.size === 0) return null;
  return { regions, touched, rerooted, eventfds, coalesced, iommus };
}

/** The first change of a region in a transaction knows what was before the transaction. */
function noteFirst<T>(
  known: Map<MemoryRegion, readonly T[]>,
  change: { readonly region: MemoryRegion; readonly before: readonly T[] } | undefined,
): void {
  if (change !== undefined && !known.has(change.region)) known.set(change.region, change.before);
}

function prepareAll(changes: TransactionChanges): PreparedCommit[] {
  const prepared: PreparedCommit[] = [];
  try {
    for (const participant of participants) {
      const commit = participant.prepare(changes);
      if (commit !== null) prepared.push(commit);
    }
  } catch (error) {
    for (const commit of prepared) commit.abandon();
    throw error;
  }
  return prepared;
}

/** A publish() that throws breaks its contract; the others still publish, so that all views agree. */
function publishAll(prepared: readonly PreparedCommit[]): void {
  const failures: unknown[] = [];
  for (const commit of prepared) {
    try {
      commit.publish();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}
