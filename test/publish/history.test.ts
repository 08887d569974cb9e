/**
 * Random histories of a machine: mutators, address spaces that come and go, transactions that are undone,
 * checkpoints. The arena's account must hold at every moment, and when readers have passed, what is in use
 * must be exactly what is published.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MemoryError } from '../../src/base/errors.ts';
import { CELL_BYTES, CELL_FIRST_FREE } from '../../src/layout/map-entry.ts';
import type { AddressSpace } from '../../src/model/address-space.ts';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import { transaction } from '../../src/model/transaction.ts';
import { releaseView } from '../../src/publish/cell-writer.ts';
import { encodeView } from '../../src/publish/encode-view.ts';
import { EMPTY_FLAT_VIEW, type FlatView } from '../../src/render/flat-view.ts';
import { BenchMachine, registers } from '../support/bench-machine.ts';

class Undone extends Error {}

interface Action {
  readonly kind: number;
  readonly which: number;
  readonly at: number;
}
const histories = fc.array(fc.record({ kind: fc.nat(9), which: fc.nat(100), at: fc.nat(40) }), {
  maxLength: 50,
});

class History {
  readonly machine = new BenchMachine({ garbageBytesMax: 2 ** 14 });
  private readonly regions: MemoryRegion[];
  private readonly roots: (MemoryRegion | null)[];
  private spaces: AddressSpace[] = [];
  private made = 0;

  constructor() {
    const root = MemoryRegion.container('root', 2n ** 64n);
    const ram = MemoryRegion.ram('ram', 24);
    const device = MemoryRegion.io('device', 8, registers(8).device);
    const window = MemoryRegion.alias('window', ram, 4, 8);
    this.regions = [ram, device, window];
    for (const [i, region] of this.regions.entries()) root.addSubregionOverlap(i * 8, region, i);
    this.roots = [root, MemoryRegion.alias('all', root, 0, 2n ** 64n), device, null];
    for (let i = 0; i < 3; i += 1) this.addSpace(i);
  }

  perform({ kind, which, at }: Action): void {
    const region = this.regions[which % this.regions.length]!;
    if (kind === 0) this.addSpace(which);
    else if (kind === 1) this.removeSpace(which);
    else if (kind === 2) this.spaces[which % this.spaces.length]?.setRoot(this.roots[at % 4]!);
    else if (kind === 3) this.machine.checkpoint();
    else if (kind === 4) this.machine.grace.poll();
    else if (kind === 5) region.setEnabled(!region.enabled);
    else if (kind === 6) region.setSize(at);
    else region.setAddress(at * 3);
  }

  /** Several in one transaction; `fails` undoes them all. */
  together(actions: readonly Action[], fails: boolean): void {
    const before = [...this.spaces];
    try {
      transaction(() => {
        for (const action of actions) if (action.kind !== 3) this.perform(action);
        if (fails) throw new Undone();
      });
    } catch (error) {
      this.spaces = before;
      if (!(error instanceof Undone || error instanceof MemoryError)) throw error;
    }
  }

  /** All readers pass; what is in use then is what the flat views need, each once. */
  expectExactUse(): void {
    const { machine } = this;
    machine.checkpoint();
    machine.grace.poll();
    expect(machine.grace.retiredBytes).toBe(0);
    const flats = new Set<FlatView>([EMPTY_FLAT_VIEW]);
    for (const space of machine.publisher.addressSpaces) flats.add(machine.publisher.flatViewOf(space));
    const used = machine.arena.usedBytes;
    let sum = CELL_FIRST_FREE * CELL_BYTES;
    for (const flat of flats) sum += this.sizeOf(flat);
    expect(used).toBe(sum);
    for (const space of this.spaces) machine.publisher.remove(space);
    machine.checkpoint();
    machine.grace.poll();
    expect(machine.arena.usedBytes, 'no view is left').toBe(
      CELL_FIRST_FREE * CELL_BYTES + this.sizeOf(EMPTY_FLAT_VIEW),
    );
  }

  private sizeOf(flat: FlatView): number {
    const { arena, ram } = this.machine;
    const iommuOf = () => ({ root: 0, rule: 0, translator: null });
    const encoded = encodeView(flat, { arena, ram, deviceIdOf: () => 0, iommuOf }, 0, 0);
    releaseView(encoded, arena);
    return encoded.sizeBytes;
  }

  private addSpace(which: number): void {
    this.made += 1;
    this.spaces.push(this.machine.show(`space ${this.made}`, this.roots[which % 4]!).space);
  }

  private removeSpace(which: number): void {
    if (this.spaces.length === 0) return;
    const [space] = this.spaces.splice(which % this.spaces.length, 1);
    this.machine.publisher.remove(space!);
  }
}

test('after any history the arena holds exactly the live views, and used + free = high water all the time', () => {
  fc.assert(
    fc.property(histories, fc.array(fc.nat(5), { minLength: 50, maxLength: 50 }), (actions, groups) => {
      const history = new History();
      const { arena } = history.machine;
      try {
        for (let i = 0; i < actions.length; ) {
          const group = groups[i]!;
          const some = actions.slice(i, i + group + 1);
          if (group === 0) history.perform(actions[i]!);
          else history.together(some, group === 3);
          i += some.length;
          expect(arena.usedBytes + arena.freeBytes).toBe(arena.highWaterBytes);
        }
        history.expectExactUse();
      } finally {
        history.machine.close();
      }
    }),
    { numRuns: 150 },
  );
});
