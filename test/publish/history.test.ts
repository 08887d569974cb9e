/**
 * Random histories of a machine: mutators, address spaces that come and go, transactions that are undone,
 * checkpoints. At every moment the arena holds what a walk from the roots reaches, what is retired, and what is free,
 * to the byte; and every view is what a rendering from its root gives.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MemoryError } from '../../src/base/errors.ts';
import { rootWord } from '../../src/layout/control-block.ts';
import { CELL_BYTES, CELL_FIRST_FREE } from '../../src/layout/map-entry.ts';
import type { AddressSpace } from '../../src/model/address-space.ts';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import { transaction } from '../../src/model/transaction.ts';
import { renderFlatView } from '../../src/render/render.ts';
import { flatViewsEqual } from '../../src/render/view-difference.ts';
import { viewRootOf } from '../../src/render/view-root.ts';
import { arenaImbalance } from '../support/arena-audit.ts';
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
  private readonly emptyHeader: number;
  private made = 0;

  constructor() {
    const root = MemoryRegion.container('root', 2n ** 64n);
    const ram = MemoryRegion.ram('ram', 24);
    const device = MemoryRegion.io('device', 8, registers(8).device);
    const window = MemoryRegion.alias('window', ram, 4, 8);
    this.regions = [ram, device, window];
    for (const [i, region] of this.regions.entries()) root.addSubregionOverlap(i * 8, region, i);
    this.roots = [root, MemoryRegion.alias('all', root, 0, 2n ** 64n), device, null];
    const nothing = this.machine.show('nothing', null).space;
    this.emptyHeader = this.machine.control[rootWord(this.machine.publisher.indexOf(nothing))]!;
    this.spaces.push(nothing);
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

  audit(): void {
    const { control, arena, publisher, grace } = this.machine;
    expect(arenaImbalance({ control, arena, publisher, grace, emptyHeader: this.emptyHeader })).toBeNull();
  }

  expectTrueViews(): void {
    const { publisher } = this.machine;
    for (const space of publisher.addressSpaces) {
      const rendered = renderFlatView(viewRootOf(space.root));
      expect(flatViewsEqual(publisher.flatViewOf(space), rendered), space.name).toBe(true);
    }
  }

  /** All readers pass: nothing is retired then. And nothing at all is there without address spaces. */
  expectExactUse(): void {
    const { machine } = this;
    machine.checkpoint();
    machine.grace.poll();
    expect(machine.grace.retiredBytes).toBe(0);
    this.audit();
    for (const space of this.spaces) machine.publisher.remove(space);
    machine.checkpoint();
    machine.grace.poll();
    expect(machine.arena.usedBytes, 'no view is left but that of nothing').toBe(
      (CELL_FIRST_FREE + 1) * CELL_BYTES,
    );
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

test('all the time the arena is what roots reach, what is retired and what is free, and every view is true', () => {
  fc.assert(
    fc.property(histories, fc.array(fc.nat(5), { minLength: 50, maxLength: 50 }), (actions, groups) => {
      const history = new History();
      try {
        for (let i = 0; i < actions.length; ) {
          const group = groups[i]!;
          const some = actions.slice(i, i + group + 1);
          if (group === 0) history.perform(actions[i]!);
          else history.together(some, group === 3);
          i += some.length;
          history.audit();
          history.expectTrueViews();
        }
        history.expectExactUse();
      } finally {
        history.machine.close();
      }
    }),
    { numRuns: 150 },
  );
});
