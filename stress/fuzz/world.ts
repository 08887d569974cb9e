/** A small machine with one thing of each kind, for cases that call the library as its users do. */
import { controlDevice } from '../../src/base/device-binding.ts';
import { Doorbell } from '../../src/mailbox/doorbell.ts';
import type { AddressSpace } from '../../src/model/address-space.ts';
import { IommuTable } from '../../src/model/iommu-table.ts';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import { Owner } from '../../src/model/owner.ts';
import type { MemoryListener } from '../../src/publish/memory-listener.ts';
import { Machine } from '../../src/service/machine.ts';
import type { MemoryPort } from '../../src/vcpu/memory-port.ts';
import { treeState } from '../../test/support/tree-state.ts';
import { must } from './target.ts';

const quiet = (): void => {};

/** Small, and silent about what devices and listeners do. */
export const smallMachine = (onListenerError: (error: unknown) => void = quiet): Machine =>
  new Machine({
    ...{ ramReserveBytes: 2 ** 20, arenaBytes: 2 ** 18, vcpuHost: 'threads', checked: true, patienceMs: 50 },
    ...{
      onDeviceReport: quiet,
      onListenerError: ({ error }) => onListenerError(error),
      onStall: quiet,
      onDeviceHostDeath: quiet,
    },
  });

export class World {
  readonly machine = smallMachine();
  readonly owner = new Owner('/machine/hostile');
  readonly system = MemoryRegion.container('system', 2n ** 64n);
  readonly box = MemoryRegion.container('box', 0x1000);
  readonly ram = MemoryRegion.ram('ram', 0x4000, { owner: this.owner });
  readonly io = MemoryRegion.io('io', 0x100, controlDevice({ read: () => 7, write: quiet }));
  readonly romDevice = MemoryRegion.romDevice(
    'flash',
    0x1000,
    controlDevice({ read: () => 9, write: quiet }),
  );
  readonly resizable = MemoryRegion.resizableRam('resizable', 0x1000, 0x2000);
  readonly alias = MemoryRegion.alias('alias', this.ram, 0x1000, 0x1000);
  readonly space: AddressSpace;
  readonly bus: AddressSpace;
  readonly table: IommuTable;
  readonly iommu: MemoryRegion;
  readonly doorbell = new Doorbell();
  readonly listener: MemoryListener = { name: 'known', priority: 0 };
  readonly port: MemoryPort;

  constructor() {
    const { machine, system } = this;
    system.addSubregion(0, this.ram);
    system.addSubregion(0x8000, this.io);
    system.addSubregion(0x1_0000, this.romDevice);
    system.addSubregion(0x2_0000, this.alias);
    system.addSubregion(0x3_0000, this.resizable);
    system.addSubregionOverlap(0x1000, this.box, 1);
    this.space = machine.addAddressSpace('memory', system);
    this.table = new IommuTable(this.space);
    this.iommu = MemoryRegion.iommu('iommu', 2n ** 32n, this.table);
    this.bus = machine.addAddressSpace('bus', this.iommu);
    this.table.map({ iova: 0, size: 0x1000, target: 0 });
    machine.addListener(this.listener, this.space);
    this.port = machine.memory(this.space);
  }

  get regions(): MemoryRegion[] {
    return [
      ...[this.system, this.box, this.ram, this.io, this.romDevice, this.resizable, this.alias],
      this.iommu,
    ];
  }

  /** All that a call that was refused must have left as it was. */
  get state(): unknown {
    const { machine, table, owner } = this;
    return {
      tree: treeState(this.regions, [this.space, this.bus]),
      lists: this.regions.map(({ eventfds, coalescing, dirtyLog }) => [
        ...[eventfds.items, coalescing.items, coalescing.flush, dirtyLog.maskWith(true), dirtyLog.logsCode],
      ]),
      views: machine.addressSpaces.map((space) =>
        machine
          .flatViewOf(space)
          .ranges.map(({ region, start, size, offsetInRegion, readonly }) => [
            region.id,
            start,
            size,
            offsetInRegion,
            readonly,
          ]),
      ),
      mappings: [...table.mappingsOf()],
      owner: owner.isFinalized, // not its count: what was retired before may let go meanwhile
      tracked: machine.dirtyTracking.reasons,
      tag: machine.layoutTag,
      publications: machine.gauges.publications,
    };
  }

  /** Whether the machine still takes a transaction, and its port sees it at once. */
  mustWork(): void {
    const probe = MemoryRegion.ram('probe', 0x1000, { ramId: null });
    const space = this.machine.addAddressSpace('probe', probe);
    const port = this.machine.memory(space);
    port.write(8, 4, 0x1234_5678);
    must(port.read(8, 4) === 0x1234_5678 && port.result === 0, 'the machine works as before');
    probe.setAddress(0x1000);
    must(port.read(0x1008, 4) === 0x1234_5678 && port.result === 0, 'the machine moves a region as before');
    space.setRoot(null);
  }

  close(): Promise<void> {
    return this.machine.close();
  }
}
