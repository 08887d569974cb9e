/** The part of a machine that is about devices which access memory: bus masters, and bytes for bounce buffers. */
import { setBounceBytesMax } from '../grace/bounce-budget.ts';
import type { SharedMachine } from '../layout/attachments.ts';
import type { AddressSpace } from '../model/address-space.ts';
import { BusMaster } from '../model/bus-master.ts';
import type { MemoryRegion } from '../model/memory-region.ts';
import type { Publisher } from '../publish/publisher.ts';
import { MachineRam } from './machine-ram.ts';

export abstract class MachineDma extends MachineRam {
  abstract readonly shared: SharedMachine;
  protected abstract readonly publisher: Publisher;
  abstract addAddressSpace(space: AddressSpace): AddressSpace;

  /**
   * Adds the address space `name` through which a device masters the bus; it reaches nothing until
   * setEnabled(true). Throws as addAddressSpace does.
   */
  addBusMaster(name: string, dmaRoot: MemoryRegion): BusMaster {
    const master = new BusMaster(name, dmaRoot);
    this.addAddressSpace(master.space);
    return master;
  }

  /**
   * Bytes of bounce buffers that `space` may have at a time; machine option bounceBytesMax until set. Fewer than
   * it has take no buffer away.
   * @throws MemoryError INVALID_ARGUMENT, ADDRESS_SPACE_UNKNOWN
   */
  setBounceBytesMax(space: AddressSpace, bytes: number): void {
    setBounceBytesMax(new Int32Array(this.shared.control), this.publisher.indexOf(space), bytes);
  }
}
