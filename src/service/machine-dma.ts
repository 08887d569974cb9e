/**
 * The part of a machine that is about devices which access memory, and when: bus masters, bytes for bounce buffers,
 * where IOMMUs lead, writes that wait to be done.
 */
import { setBounceBytesMax } from '../grace/bounce-budget.ts';
import type { SharedMachine } from '../layout/attachments.ts';
import type { AddressSpace } from '../model/address-space.ts';
import { offsetFromArgument } from '../model/arguments.ts';
import { BusMaster } from '../model/bus-master.ts';
import type { MemoryRegion } from '../model/memory-region.ts';
import type { Publisher } from '../publish/publisher.ts';
import type { PortIotlbEntry } from '../vcpu/iotlb-entry.ts';
import type { MemoryPort } from '../vcpu/memory-port.ts';
import type { DeviceShortcuts } from './device-shortcuts.ts';
import { MachineRam } from './machine-ram.ts';

/** Where an access ends: IOMMUs send the block of addresses around it to `translated` in `space`. */
export interface IotlbEntry extends Omit<PortIotlbEntry, 'addressSpace'> {
  readonly space: AddressSpace;
}

export abstract class MachineDma extends MachineRam {
  abstract readonly shared: SharedMachine;
  protected abstract readonly publisher: Publisher;
  protected abstract readonly shortcuts: DeviceShortcuts;
  abstract memory(space: AddressSpace): MemoryPort;
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
   * Where an access of the control thread's ends, through all IOMMUs on the way; null where they do not let it
   * pass, or nothing answers. It holds until a mapping or the layout changes.
   * @throws MemoryError ADDRESS_SPACE_UNKNOWN, INVALID_ARGUMENT
   * @source QEMU address_space_get_iotlb_entry
   */
  getIotlbEntry(space: AddressSpace, address: bigint | number, isWrite: boolean): IotlbEntry | null {
    const at = offsetFromArgument('getIotlbEntry()', address);
    const entry = this.memory(space).iotlbEntry(at, isWrite);
    if (entry === null) return null;
    const { addressSpace, ...rest } = entry;
    const found = [...this.publisher.addressSpaces].find(
      (known) => this.publisher.indexOf(known) === addressSpace,
    );
    return found === undefined ? null : { space: found, ...rest };
  }

  /**
   * Bytes of bounce buffers that `space` may have at a time; machine option bounceBytesMax until set. Fewer than
   * it has take no buffer away.
   * @throws MemoryError INVALID_ARGUMENT, ADDRESS_SPACE_UNKNOWN
   */
  setBounceBytesMax(space: AddressSpace, bytes: number): void {
    setBounceBytesMax(new Int32Array(this.shared.control), this.publisher.indexOf(space), bytes);
  }

  /**
   * Has coalesced writes that were queued until now done: to `region`, or to all. Resolves when they are, or when
   * the host that should do them has died. Those of devices in the control thread are done when it returns.
   * @source QEMU qemu_flush_coalesced_mmio_buffer
   */
  flushCoalesced(region: MemoryRegion | null = null): Promise<void> {
    return this.shortcuts.coalescing.flush(region);
  }
}
