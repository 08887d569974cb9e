/**
 * Owners: what keeps regions alive. A region has no count of its own; whoever can still reach it holds its
 * owner: a published view until its grace period has passed, an address space that it is the root of, a
 * container of another owner, and whoever called ref(). Aliases and containers hold nothing but what they hang in.
 * Guarantee: the regions of a destroyed owner are finalised exactly once, after the last of these let go.
 * Regions without an Owner live for ever. Belongs to the thread that owns the trees.
 */
import {
  describeValue,
  functionFromArgument,
  invalidArgument,
  optionsFromArgument,
} from '../base/arguments.ts';
import { MemoryError } from '../base/errors.ts';
import { nameFromArgument } from './arguments.ts';
import { finalizeRegions } from './finalize.ts';
import type { MemoryRegion } from './memory-region.ts';
import { escapedName } from './region-names.ts';

export interface OwnerOptions {
  /** Called once its regions are finalised and their RAM is given back. */
  readonly onFinalized?: () => void;
}

/** A transaction that readers are too far behind for is tried again after so many milliseconds. */
const RETRY_MS = 10;

export class Owner {
  /** Where it is in the machine: `/machine/peripheral/net0`. */
  readonly path: string;
  /** Resolves after onFinalized; rejects if that throws, or a transaction participant does. */
  readonly finalized: Promise<void>;
  private readonly onFinalized: (() => void) | undefined;
  /** By their paths. */
  private readonly owned = new Map<string, MemoryRegion>();
  private settle: { resolve(): void; reject(reason: unknown): void } = { resolve() {}, reject() {} };
  /** References taken by ref(), not counting the one that destroy() drops. */
  private references = 0;
  private holders = 0;
  private phase: 'alive' | 'destroyed' | 'finalized' = 'alive';
  private looking = false;

  constructor(path: string, options: OwnerOptions = {}) {
    this.path = nameFromArgument('owner', path);
    const { onFinalized } = optionsFromArgument('owner', options);
    if (onFinalized !== undefined) functionFromArgument('owner', 'onFinalized', onFinalized);
    this.onFinalized = onFinalized;
    this.finalized = new Promise((resolve, reject) => {
      this.settle = { resolve, reject };
    });
    this.finalized.catch(() => {}); // an owner that nobody awaits must not end the process
  }

  /** The last part of its path. */
  get name(): string {
    return this.path.slice(this.path.lastIndexOf('/') + 1);
  }
  /** References: its maker's until destroy(), those of ref(), and one for each holder of its regions. */
  get refCount(): number {
    return (this.phase === 'alive' ? 1 : 0) + this.references + this.holders;
  }
  /** Those not yet finalised, in the order in which they were made. */
  get regions(): readonly MemoryRegion[] {
    return [...this.owned.values()];
  }
  get isFinalized(): boolean {
    return this.phase === 'finalized';
  }

  /** Keeps the owner alive until unref(). @throws MemoryError OWNER_FINALIZED */
  ref(): void {
    if (this.phase === 'finalized')
      this.refuse('OWNER_FINALIZED', 'it is finalised; nothing keeps it any more');
    this.references += 1;
  }

  /** Takes back one ref(). @throws MemoryError OWNER_NOT_REFERENCED if every one was taken back */
  unref(): void {
    if (this.references === 0) {
      this.refuse('OWNER_NOT_REFERENCED', 'unref() without a ref() before; its maker lets go with destroy()');
    }
    this.references -= 1;
    this.lookSoon();
  }

  /**
   * Lets go of the owner: once nothing else holds it, its regions are disabled, unmapped, emptied and their RAM
   * is given back. What is mapped in another owner's container stays until it is unmapped there.
   * @returns `finalized`
   * @throws MemoryError OWNER_DESTROYED the second time
   */
  destroy(): Promise<void> {
    if (this.phase !== 'alive') this.refuse('OWNER_DESTROYED', 'it was destroyed before');
    this.phase = 'destroyed';
    this.lookSoon();
    return this.finalized;
  }

  /** A region is made. @returns its path. @throws MemoryError OWNER_DESTROYED */
  adopt(region: MemoryRegion): string {
    if (this.phase !== 'alive') this.refuse('OWNER_DESTROYED', `it can be given no region '${region.name}'`);
    const name = escapedName(region.name);
    let index = 0;
    while (this.owned.has(`${this.path}/${name}[${index}]`)) index += 1;
    const path = `${this.path}/${name}[${index}]`;
    this.owned.set(path, region);
    return path;
  }

  /** A region of its is finalised. */
  disown(region: MemoryRegion): void {
    this.owned.delete(region.path);
  }

  /** For model/ and publish/: whoever reaches a region holds its owner. */
  hold(): void {
    this.holders += 1;
  }

  letGo(): void {
    this.holders -= 1;
    this.lookSoon();
  }

  private refuse(code: 'OWNER_DESTROYED' | 'OWNER_FINALIZED' | 'OWNER_NOT_REFERENCED', what: string): never {
    throw new MemoryError(code, `owner '${this.path}': ${what}`);
  }

  /**
   * Looks after the call that is running: it may be a transaction that is undone, or a commit that reclaims
   * a view, in which no other transaction may begin.
   */
  private lookSoon(): void {
    if (this.phase !== 'destroyed' || this.refCount > 0 || this.looking) return;
    this.looking = true;
    queueMicrotask(() => void this.look());
  }

  private async look(): Promise<void> {
    this.looking = false;
    if (this.phase !== 'destroyed' || this.refCount > 0) return;
    try {
      const ramIsFree = finalizeRegions(this.regions);
      this.phase = 'finalized';
      await ramIsFree;
      this.onFinalized?.();
      this.settle.resolve();
    } catch (error) {
      if (error instanceof MemoryError && error.code === 'BACK_PRESSURE')
        setTimeout(() => this.lookSoon(), RETRY_MS);
      else this.settle.reject(error);
    }
  }
}

export function ownerFromArgument(where: string, value: unknown): Owner | string | null {
  if (value === undefined) return null;
  if (value === null || typeof value === 'string' || value instanceof Owner) return value;
  const got = describeValue(value);
  throw invalidArgument(where, `owner must be an Owner, a string or null, got ${got}`);
}
