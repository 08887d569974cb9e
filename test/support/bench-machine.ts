/**
 * A machine in one thread, for tests of publication and access: the real publisher, arena, RAM and ports,
 * with a reader that checkpoints when the test says so, and devices that are plain objects.
 */

import { controlDevice, type DeviceCallbacks } from '../../src/base/device-binding.ts';
import { permissionFromBits } from '../../src/base/iommu.ts';
import { GraceReader } from '../../src/grace/reader.ts';
import { GraceWriter, type GraceWriterOptions } from '../../src/grace/writer.ts';
import type { Attachment } from '../../src/layout/attachments.ts';
import { createControlBlock } from '../../src/layout/control-block.ts';
import { AddressSpace } from '../../src/model/address-space.ts';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import { registerParticipant, unregisterParticipant } from '../../src/model/transaction.ts';
import { Arena } from '../../src/publish/arena.ts';
import { DirtyPages } from '../../src/publish/dirty-pages.ts';
import { encodeReservedCells } from '../../src/publish/encode-view.ts';
import { Publisher } from '../../src/publish/publisher.ts';
import { RamStore } from '../../src/publish/ram-store.ts';
import { DeviceHandler } from '../../src/vcpu/device-handler.ts';
import { DeviceTable } from '../../src/vcpu/device-table.ts';
import type { DeviceReport } from '../../src/vcpu/failure-reports.ts';
import { MemoryPort } from '../../src/vcpu/memory-port.ts';
import { RamViews } from '../../src/vcpu/ram-views.ts';
import { ReaderSession } from '../../src/vcpu/reader-session.ts';
import { ThreadHolds } from '../../src/vcpu/thread-holds.ts';
import { Translators } from '../../src/vcpu/translators.ts';

export interface BenchMachineOptions extends GraceWriterOptions {
  readonly arenaBytes?: number;
  readonly ramBytes?: number;
  readonly garbageBytesMax?: number;
}

/** A register file that answers with what was written to it, byte by byte. */
export class ByteRegisters implements DeviceCallbacks {
  readonly bytes: Uint8Array;
  constructor(size: number) {
    this.bytes = new Uint8Array(size);
  }
  read(offset: number, size: number): number {
    let value = 0;
    for (let i = 0; i < size; i += 1) value |= (this.bytes[offset + i] ?? 0) << (8 * i);
    return value;
  }
  write(offset: number, value: number, size: number): void {
    for (let i = 0; i < size; i += 1) this.bytes[offset + i] = value >>> (8 * i);
  }
}

/** A root of 2^64 bytes with children at their offsets; an overlap goes by priority. */
export function rootWith(...children: readonly [number | bigint, MemoryRegion, number?][]): MemoryRegion {
  const root = MemoryRegion.container('root', 2n ** 64n);
  for (const [offset, child, priority] of children) root.addSubregionOverlap(offset, child, priority ?? 0);
  return root;
}

/** Its devices are those of its own thread. */
const HOME = 0;

export class BenchMachine {
  readonly control = createControlBlock();
  readonly arena: Arena;
  readonly ram: RamStore;
  readonly grace: GraceWriter;
  readonly publisher: Publisher;
  readonly reader: GraceReader;
  readonly posted: Attachment[] = [];
  readonly reports: DeviceReport[] = [];
  readonly views: RamViews;
  readonly translators: Translators;
  readonly holds = new ThreadHolds(this.control, 0);
  readonly dirty: DirtyPages;
  readonly session: ReaderSession;
  private readonly table: DeviceTable;
  private readonly named = new Map<string, MemoryPort>();
  private readonly devices: DeviceHandler[] = [];
  private readonly deviceIds = new Map<MemoryRegion, number>();

  constructor(options: BenchMachineOptions = {}) {
    this.arena = new Arena(options.arenaBytes ?? 2 ** 22, true);
    encodeReservedCells(this.arena);
    this.ram = new RamStore(
      options.ramBytes ?? 2 ** 24,
      (attachment) => this.posted.push(attachment),
      (free) => this.grace.callRcu(free),
    );
    const { ram: bytes, dirty } = this.ram.shared;
    this.views = new RamViews({ bytes, dirty });
    this.dirty = new DirtyPages(this.ram);
    this.views.onMissing = () => {
      for (const message of this.posted) if (message.kind === 'ram') this.views.add(message.buffer, message);
    };
    this.grace = new GraceWriter(this.control, options);
    const resources = {
      arena: this.arena,
      ram: this.ram,
      deviceIdOf: (region: MemoryRegion) => this.idOf(region),
    };
    this.publisher = new Publisher(this.control, resources, this.grace, {
      garbageBytesMax: options.garbageBytesMax ?? 2 ** 20,
      onPublished: (views) => this.dirty.published(views),
      onTranslator: (translator, iommu, targets) => {
        this.translators.attach(translator, {
          regionName: iommu.region!.name,
          module: iommu.module,
          targets,
        });
        iommu.translateOnControl = (iova, index) => {
          const answer = this.translators.translate(translator, iova, 0, index);
          return answer && { ...answer, permission: permissionFromBits(answer.permission) };
        };
      },
    });
    this.ram.onceUnheld = (region, free) => this.publisher.store.onceUnheld(region, free);
    registerParticipant(this.publisher);
    this.grace.addReader(0);
    this.reader = new GraceReader(this.control, 0);
    this.reader.online();
    const home = { host: HOME, handlerOf: (device: number) => this.devices[device]!, replayQueued: () => {} };
    const report = (failure: DeviceReport) => this.reports.push(failure);
    this.session = new ReaderSession(this.control, this.reader);
    this.session.rearm();
    this.table = new DeviceTable(this.control, this.session, report, home);
    const memory = { memory: (name: string) => this.named.get(name)! };
    this.translators = new Translators({ words: this.control, vcpu: 0, memory }, this.reader, report);
  }

  show(name: string, root: MemoryRegion | null): { space: AddressSpace; port: MemoryPort } {
    const space = new AddressSpace(name, root);
    const index = this.publisher.add(space);
    const memory = {
      control: this.control,
      arena: this.arena.words,
      ram: this.views,
      holds: this.holds,
      translators: this.translators,
    };
    const port = new MemoryPort(memory, index, this.table);
    this.named.set(name, port);
    this.session.add(port);
    return { space, port };
  }

  checkpoint(): void {
    if (this.reader.quiescent()) this.session.refresh();
  }

  close(): void {
    this.grace.close();
    unregisterParticipant(this.publisher);
    this.ram.close();
    this.publisher.close();
  }

  private idOf(region: MemoryRegion): number {
    const known = this.deviceIds.get(region);
    if (known !== undefined) return known;
    if (region.device?.placement !== 'control') throw new Error('tests use control devices');
    const device = this.devices.length;
    const { callbacks, rules } = region.device;
    const handled = { device, regionName: region.name, callbacks, rules, guard: null };
    this.devices.push(new DeviceHandler(handled, 0, (report) => this.reports.push(report)));
    this.deviceIds.set(region, device);
    this.table.attach(device, region.name, { placement: 'homed', host: HOME, rules, guard: null });
    return device;
  }
}

export const registers = (size: number) => {
  const callbacks = new ByteRegisters(size);
  return { callbacks, device: controlDevice(callbacks) };
};
