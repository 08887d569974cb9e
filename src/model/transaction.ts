/**
 * Transactions: mutators between the outermost begin and end become visible together, or not at all.
 * Guarantee: a body that throws leaves the tree as it was at the begin of that (nested) transaction, with
 * the order of all children; so does a participant that refuses at the end of the outermost one.
 * Nothing is published inside a transaction: readers keep the map they have.
 * State: one global journal for all trees, as in QEMU; it belongs to the thread that owns the trees.
 */
import { MemoryError } from '../base/errors.ts';
import type { AddressSpace } from './address-space.ts';
import { refuseEndlessViews } from './endless-view.ts';
import type { MemoryRegion } from './memory-region.ts';
import { refuseFinalized } from './region-lifetime.ts';

/** Whoever makes the new state of the trees visible. Called at the end of an outermost transaction. */
export interface TransactionParticipant {
  /**
   * Does all that may fail, and publishes nothing. What it throws undoes the transaction.
   * @param changed regions whose properties changed; for a region mapped or unmapped, it and the container
   * @param rerooted address spaces that were given another root
   * @returns null if nothing of this participant's changes
   */
  prepare(changed: ReadonlySet<MemoryRegion>, rerooted: ReadonlySet<AddressSpace>): PreparedCommit | null;
}

/** Exactly one of the two is called. Neither may throw, nor call a mutator. */
export interface PreparedCommit {
  publish(): void;
  abandon(): void;
}

/** One change that can be undone. The closures touch only what the mutator owns. */
export interface Mutation {
  /** Whether a view may look different: a transaction without such a change publishes nothing. */
  readonly pending: boolean;
  readonly regions: readonly MemoryRegion[];
  readonly space?: AddressSpace;
  /** A region that may show more, or elsewhere, than before: it might show itself. */
  readonly reshaped?: MemoryRegion;
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
  for (const mutation of told) mutation.committed?.();
}

function refuseWhileCommitting(): void {
  if (!committing) return;
  throw new MemoryError(
    'TRANSACTION_REENTERED',
    'a participant changed the tree while a transaction was being committed; change it before or after',
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
  refuseEndlessViews(new Set(journal.flatMap((mutation) => mutation.reshaped ?? [])));
  if (!journal.some((mutation) => mutation.pending)) return;
  const changed = new Set(journal.flatMap((mutation) => mutation.regions));
  const rerooted = new Set(journal.flatMap((mutation) => mutation.space ?? []));
  committing = true;
  try {
    const prepared = prepareAll(changed, rerooted);
    afterwards = journal.filter((mutation) => mutation.committed !== undefined);
    journal.length = 0; // from here on nothing can be undone
    publishAll(prepared);
  } finally {
    committing = false;
  }
}

function prepareAll(
  changed: ReadonlySet<MemoryRegion>,
  rerooted: ReadonlySet<AddressSpace>,
): PreparedCommit[] {
  const prepared: PreparedCommit[] = [];
  try {
    for (const participant of participants) {
      const commit = participant.prepare(changed, rerooted);
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
