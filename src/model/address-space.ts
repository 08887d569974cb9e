/**
 * An address space: a name, and the region whose contents are seen through it.
 * It does not render anything; the root region knows which address spaces it serves.
 */
import { describeValue, invalidArgument } from '../base/arguments.ts';
import { MemoryError } from '../base/errors.ts';
import { nameFromArgument } from './arguments.ts';
import { MemoryRegion } from './memory-region.ts';
import { registerUse, unregisterUse } from './region-links.ts';
import { mutate } from './transaction.ts';

let addressSpaceCount = 0;

/** @throws MemoryError INVALID_ARGUMENT for what is no AddressSpace */
export function requireAddressSpace(where: string, value: unknown): void {
  if (value instanceof AddressSpace) return;
  throw invalidArgument(where, `give an AddressSpace, got ${describeValue(value)}`);
}

export class AddressSpace {
  /** Unique in this process, from 1, never used again. */
  readonly id: number;
  /** Need not be unique. */
  readonly name: string;
  private currentRoot: MemoryRegion | null = null;

  /** @param root null gives an address space in which nothing answers */
  constructor(name: string, root: MemoryRegion | null = null) {
    this.name = nameFromArgument('address space', name);
    this.id = ++addressSpaceCount;
    this.setRoot(root);
  }

  get root(): MemoryRegion | null {
    return this.currentRoot;
  }

  /** Shows another tree through this address space. An address space no longer needed: setRoot(null). */
  setRoot(root: MemoryRegion | null): void {
    if (root !== null && !(root instanceof MemoryRegion)) {
      const got = describeValue(root);
      throw new MemoryError(
        'INVALID_ARGUMENT',
        `address space '${this.name}': root must be a MemoryRegion or null, got ${got}`,
      );
    }
    const before = this.currentRoot;
    if (root === before) return;
    const regions = [before, root].filter((region) => region !== null);
    mutate({
      pending: true,
      regions,
      space: this,
      apply: () => this.replaceRoot(root),
      undo: () => this.replaceRoot(before),
    });
  }

  private replaceRoot(root: MemoryRegion | null): void {
    const before = this.currentRoot;
    this.currentRoot = root;
    if (root !== null) {
      root.links.rootOf.add(this);
      root.keeper?.hold();
      registerUse(root);
    }
    if (before !== null) {
      before.links.rootOf.delete(this);
      before.keeper?.letGo();
      unregisterUse(before);
    }
  }
}
