/**
 * The address space through which one device masters the bus, and its switch: a container with one alias of the
 * memory that devices reach, which is disabled until setEnabled(true).
 * Guarantee: it costs no view of its own: on, it shares the view of that memory; off, the empty one.
 * @source QEMU's PCI bus master container and alias: spec section 5.5
 */
import { AddressSpace } from './address-space.ts';
import { nameFromArgument } from './arguments.ts';
import { MemoryRegion, requireRegion } from './memory-region.ts';

export class BusMaster {
  /** Add it to a machine, as Machine.addBusMaster does; a device asks for it by name. */
  readonly space: AddressSpace;
  private readonly alias: MemoryRegion;

  /** @throws MemoryError INVALID_ARGUMENT */
  constructor(name: string, dmaRoot: MemoryRegion) {
    nameFromArgument('a bus master', name); // before the alias is mapped, which its target remembers
    requireRegion(`bus master '${name}'`, 'dmaRoot', dmaRoot);
    this.alias = MemoryRegion.alias(`${name} bus master`, dmaRoot, 0, dmaRoot.size, { enabled: false });
    const container = MemoryRegion.container(`${name} bus master container`, 2n ** 64n);
    container.addSubregion(0, this.alias);
    this.space = new AddressSpace(name, container);
  }

  get isEnabled(): boolean {
    return this.alias.enabled;
  }

  /** Lets the device reach memory, or nothing. */
  setEnabled(on: boolean): void {
    this.alias.setEnabled(on);
  }
}
