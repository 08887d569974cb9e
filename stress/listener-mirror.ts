/** A listener that must hear all of an address space's changes, beside one that throws now and then. */
import type { MemoryRegion } from '../src/model/memory-region.ts';
import type { MemoryListener } from '../src/publish/memory-listener.ts';
import type { MemoryRegionSection } from '../src/render/memory-region-section.ts';
import type { Machine } from '../src/service/machine.ts';
import type { Bed } from './bed.ts';

const THROWS_ONE_IN = 50;

export class ListenerMirror {
  private readonly bed: Bed;
  /** By address: what it was told that is there. */
  private readonly heard = new Map<bigint, { readonly region: MemoryRegion; readonly size: bigint }>();
  private machine: Machine | null = null;

  constructor(bed: Bed) {
    this.bed = bed;
  }

  /** On the machine's first address space. */
  register(machine: Machine): void {
    this.machine = machine;
    const [space] = machine.addressSpaces;
    machine.addListener(this.thrower, space!);
    machine.addListener(this.listener, space!);
  }

  /** What was heard adds up to what is published. */
  compare(): void {
    const machine = this.machine!;
    const { ranges } = machine.flatViewOf(machine.addressSpaces[0]!);
    const differs = ranges.find(({ start, region, size }) => {
      const known = this.heard.get(start);
      return known?.region !== region || known.size !== size;
    });
    this.bed.checked();
    if (differs === undefined && ranges.length === this.heard.size) return;
    this.bed.violation(
      `a listener heard of ${this.heard.size} ranges, ${ranges.length} are published, among them ` +
        `'${differs?.region.name}' at 0x${differs?.start.toString(16)}`,
    );
  }

  private get listener(): MemoryListener {
    return {
      ...{ name: 'mirror', priority: 10 },
      regionAdd: ({ offsetWithinAddressSpace, region, size }) =>
        this.heard.set(offsetWithinAddressSpace, { region, size }),
      regionDel: ({ offsetWithinAddressSpace }: MemoryRegionSection) =>
        this.heard.delete(offsetWithinAddressSpace),
    };
  }

  private get thrower(): MemoryListener {
    const maybe = (): void => {
      if (this.bed.random.below(THROWS_ONE_IN) === 0) throw new Error('the listener throws');
    };
    return { name: 'thrower', priority: 5, begin: maybe, commit: maybe, regionAdd: maybe, regionDel: maybe };
  }
}
