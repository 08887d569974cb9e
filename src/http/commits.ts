/**
 * Transactions of one machine, numbered and timed: whoever changes its layout does it through here.
 * Guarantee: while a transaction is being published, views get its number as their layoutTag, so that an answer
 * says which commit made the layout that it came from.
 */
import { hexFromAddress } from '../base/addresses.ts';
import type { AddressSpace } from '../model/address-space.ts';
import { transaction } from '../model/transaction.ts';
import type { Publication } from '../publish/publications.ts';
import type { AddressWindow } from '../render/flat-view.ts';
import type { Machine } from '../service/machine.ts';

export type CommitCause = 'client' | 'churn';

export interface Commit {
  /** From 1; that of one that changed nothing is that of the one before. */
  readonly number: number;
  readonly cause: CommitCause;
  /** Readers that have announced it, or a later one, use the new layout. */
  readonly generation: number;
  /** Milliseconds from the first mutator until it was published. */
  readonly commitMs: number;
  readonly changed: Publication['changed'];
}

export class Commits {
  private readonly machine: Machine;
  private readonly onCommit: (commit: Commit) => void;
  private readonly stopListening: () => void;
  private publication: Publication | null = null;
  private lastGeneration = 0;
  private count = 0;

  /** @param onCommit told of each that changed something */
  constructor(machine: Machine, onCommit: (commit: Commit) => void) {
    this.machine = machine;
    this.onCommit = onCommit;
    this.stopListening = machine.onPublication((publication) => {
      this.publication = publication;
      this.lastGeneration = publication.generation;
    });
  }

  /** Number of the last commit. */
  get number(): number {
    return this.count;
  }

  /** That of the last commit. */
  get generation(): number {
    return this.lastGeneration;
  }

  /** Runs `body` as one transaction. @throws what the transaction throws, with all as it was */
  run(cause: CommitCause, body: () => void): Commit {
    const { machine } = this;
    this.publication = null;
    machine.layoutTag = this.count + 1;
    const startMs = performance.now();
    try {
      transaction(body);
    } finally {
      if (this.publication === null) machine.layoutTag = this.count;
      else this.count += 1;
    }
    const commitMs = performance.now() - startMs;
    const publication = this.publication as Publication | null; // set by the listener meanwhile
    const changed = publication?.changed ?? [];
    const commit = { number: this.count, cause, generation: this.lastGeneration, commitMs, changed };
    if (publication !== null) this.onCommit(commit);
    return commit;
  }

  close(): void {
    this.stopListening();
  }
}

/** Milliseconds until all vCPUs had let go of what the last commit replaced; null if that took longer than `limitMs`. */
export async function gracePeriod(machine: Machine, limitMs: number): Promise<number | null> {
  const startMs = performance.now();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(resolve, limitMs, null);
  });
  const ended = machine.synchronize().then(() => performance.now() - startMs);
  try {
    return await Promise.race([ended, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** By address space and ascending address, as answers have it. */
export const windowsOf = ({ changed }: Commit, idOf: (space: AddressSpace) => string): ChangedWindow[] =>
  changed.flatMap(({ addressSpace, windows }) =>
    windows.map((window) => ({ addressSpace: idOf(addressSpace), ...windowJson(window) })),
  );

export const windowJson = ({ start, last }: AddressWindow): WindowJson => ({
  start: hexFromAddress(start),
  last: hexFromAddress(last),
});

export interface WindowJson {
  readonly start: string;
  /** Inclusive. */
  readonly last: string;
}

interface ChangedWindow extends WindowJson {
  readonly addressSpace: string;
}
