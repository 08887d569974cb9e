/**
 * Lets a commit fail at any of its points: where it takes cells, bytes, ids, words, shared buffers. They are
 * found by patching methods while a scenario runs, as mutants are installed: nothing in src/ knows of them.
 */
import { MemoryError } from '../src/base/errors.ts';
import { registerParticipant, unregisterParticipant } from '../src/model/transaction.ts';
import { Arena } from '../src/publish/arena.ts';
import { DeviceRegistry } from '../src/publish/device-registry.ts';
import { IommuTables } from '../src/publish/iommu-tables.ts';
import { RamStore } from '../src/publish/ram-store.ts';
import { RootWords } from '../src/publish/root-words.ts';
import { methodOf, patch } from './mutants/patch.ts';

/** Classes and methods; each call is a point. */
const POINTS: readonly (readonly [
  target: { readonly name: string; readonly prototype: object },
  method: string,
])[] = [
  [Arena, 'allocate'],
  [RamStore, 'blocksOf'],
  [DeviceRegistry, 'idOf'],
  [IommuTables, 'iommuOf'],
  [RootWords, 'take'],
];

/** What the injector throws, and nobody else. */
export class Injected extends MemoryError {
  constructor(point: string) {
    super('ARENA_FULL', `${point} was made to fail`);
  }
}

export class Injector {
  private calls = 0;
  private failAt = Number.POSITIVE_INFINITY;
  private isArmed = false;
  private late: string[] | null = null;
  private readonly mends: (() => void)[] = [];

  /** restore() must follow. */
  constructor() {
    const injector = this;
    for (const [target, method] of POINTS) {
      const original = methodOf<unknown[], unknown>(target, method);
      const replacement = function (this: unknown, ...args: unknown[]): unknown {
        injector.pass(`${target.name}.${method}`);
        return original.apply(this, args);
      };
      this.mends.push(patch(target, method, replacement as (...args: never[]) => unknown));
    }
    const buffers = globalThis.SharedArrayBuffer;
    globalThis.SharedArrayBuffer = new Proxy(buffers, {
      construct(target, args: [number]) {
        injector.pass('new SharedArrayBuffer');
        return new target(...args);
      },
    });
    this.mends.push(() => {
      globalThis.SharedArrayBuffer = buffers;
    });
  }

  /** Runs `body`, in which the `failAt`-th point fails; by default none does. Returns how many were passed. */
  during(body: () => void, failAt = Number.POSITIVE_INFINITY): number {
    this.calls = 0;
    this.failAt = failAt;
    this.isArmed = true;
    try {
      body();
    } finally {
      this.isArmed = false;
    }
    return this.calls;
  }

  /** The points that `body`, a transaction, passes after its last participant has prepared: there must be none. */
  tooLate(body: () => void): readonly string[] {
    const points: string[] = [];
    const sentinel = {
      prepare: () => {
        this.late = points;
        return { publish: () => {}, abandon: () => {} };
      },
    };
    registerParticipant(sentinel);
    try {
      body();
    } finally {
      unregisterParticipant(sentinel);
      this.late = null;
    }
    return points;
  }

  restore(): void {
    for (const mend of this.mends.splice(0)) mend();
  }

  private pass(point: string): void {
    this.late?.push(point);
    if (!this.isArmed) return;
    this.calls += 1;
    if (this.calls === this.failAt) throw new Injected(point);
  }
}
