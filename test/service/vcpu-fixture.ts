/** A machine with real vCPU threads and device hosts, closed by close() whatever happened. */
import type { DeviceBinding } from '../../src/base/device-binding.ts';
import { GraceWriter } from '../../src/grace/writer.ts';
import { createControlBlock, type SharedWords } from '../../src/layout/control-block.ts';
import { AddressSpace } from '../../src/model/address-space.ts';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import { registerParticipant, transaction, unregisterParticipant } from '../../src/model/transaction.ts';
import { Arena } from '../../src/publish/arena.ts';
import { encodeReservedCells } from '../../src/publish/encode-view.ts';
import { Publisher } from '../../src/publish/publisher.ts';
import { RamStore } from '../../src/publish/ram-store.ts';
import { AttachmentHub } from '../../src/service/attachment-hub.ts';
import { type DeviceHostDeath, DeviceHosts } from '../../src/service/device-hosts.ts';
import { PiscinaHost } from '../../src/service/piscina-host.ts';
import { ThreadHost } from '../../src/service/thread-host.ts';
import type { VcpuHost } from '../../src/service/vcpu-host.ts';
import { VcpuSet } from '../../src/service/vcpu-set.ts';
import type { DeviceReport } from '../../src/vcpu/failure-reports.ts';

export type HostKind = 'piscina' | 'threads';

export class VcpuMachine {
  readonly control: SharedWords = createControlBlock();
  readonly root = MemoryRegion.container('root', 2n ** 64n);
  readonly ram = MemoryRegion.ram('ram', 0x10000);
  readonly hub = new AttachmentHub(this.control);
  readonly grace: GraceWriter;
  readonly vcpus: VcpuSet;
  readonly hosts: DeviceHosts;
  readonly reports: DeviceReport[] = [];
  readonly deaths: DeviceHostDeath[] = [];
  private readonly publisher: Publisher;
  private readonly ramStore: RamStore;
  private readonly deviceIds = new Map<MemoryRegion, number>();

  constructor(kind: HostKind | VcpuHost, slotCount = 4) {
    const arena = new Arena(2 ** 20, true);
    encodeReservedCells(arena);
    this.ramStore = new RamStore(
      2 ** 20,
      (attachment) => this.hub.post(attachment),
      (free) => this.grace.callRcu(free),
    );
    this.grace = new GraceWriter(this.control);
    const resources = {
      arena,
      ram: this.ramStore,
      deviceIdOf: (region: MemoryRegion) => this.deviceIdOf(region),
    };
    this.publisher = new Publisher(this.control, resources, this.grace, { garbageBytesMax: 2 ** 20 });
    registerParticipant(this.publisher);
    const onDeviceReport = (report: DeviceReport) => this.reports.push(report);
    const machine = { control: this.control.buffer, arena: arena.words.buffer, ...this.ramStore.shared };
    this.hosts = new DeviceHosts(machine, this, {
      guestEndianness: 'little',
      onDeviceReport,
      onHostDeath: (death) => this.deaths.push(death),
    });
    this.vcpus = new VcpuSet({
      machine,
      grace: this.grace,
      hub: this.hub,
      host: kind === 'piscina' ? new PiscinaHost(slotCount) : kind === 'threads' ? new ThreadHost() : kind,
      slotCount,
      onDeviceReport,
    });
    transaction(() => {
      this.root.addSubregion(0, this.ram);
      this.addSpace('memory', this.root);
    });
  }

  addSpace(name: string, root: MemoryRegion): void {
    const index = this.publisher.add(new AddressSpace(name, root));
    this.hub.post({ kind: 'address-space', index, name });
  }

  /** Maps a register block of 0x100 bytes. */
  addDevice(address: number, name: string, binding: DeviceBinding): MemoryRegion {
    const region = MemoryRegion.io(name, 0x100, binding);
    this.root.addSubregion(address, region);
    return region;
  }

  async ramWord(offset: number, ready: (value: number) => boolean): Promise<number> {
    for (;;) {
      let value = 0;
      this.ramStore.eachPiece(this.ram, BigInt(offset), 4, (bytes) => {
        value = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getInt32(0, true);
      });
      if (ready(value)) return value;
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }

  async close(): Promise<void> {
    await this.vcpus.close(500);
    await this.hosts.close();
    this.grace.close();
    unregisterParticipant(this.publisher);
  }

  private deviceIdOf(region: MemoryRegion): number {
    let device = this.deviceIds.get(region);
    if (device === undefined && region.device !== null) {
      device = this.deviceIds.size;
      const attached = this.hosts.attach(device, region, region.device);
      this.hub.post({ kind: 'device', device, regionName: region.name, attached });
      this.deviceIds.set(region, device);
    }
    return device ?? -1;
  }
}
