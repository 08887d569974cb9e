/**
 * A machine: the address spaces that vCPUs see, the buffers they share, and the threads that run. Belongs to
 * the thread that made it, the control thread.
 * Guarantee: what a transaction changed is visible to every vCPU at its next checkpoint, and to the vCPU
 * whose device access made the change at its very next access; close() leaves no thread and no handle.
 */
import { describeValue, functionFromArgument, invalidArgument } from '../base/arguments.ts';
import { MemoryError } from '../base/errors.ts';
import type { GraceWriter } from '../grace/writer.ts';
import type { SharedMachine } from '../layout/attachments.ts';
import { AddressSpace, requireAddressSpace } from '../model/address-space.ts';
import type { MemoryRegion } from '../model/memory-region.ts';
import {
  refuseWhileCommitting,
  registerParticipant,
  transaction,
  unregisterParticipant,
} from '../model/transaction.ts';
import { DeviceRegistry } from '../publish/device-registry.ts';
import type { DirtyPages } from '../publish/dirty-pages.ts';
import { DirtyTracking } from '../publish/dirty-tracking.ts';
import { Listeners } from '../publish/listeners.ts';
import type { MemoryListener } from '../publish/memory-listener.ts';
import type { Publication } from '../publish/publications.ts';
import { Publisher } from '../publish/publisher.ts';
import type { RamStore } from '../publish/ram-store.ts';
import type { FlatView } from '../render/flat-view.ts';
import type { MemoryPort } from '../vcpu/memory-port.ts';
import { ControlMemory } from './control-memory.ts';
import { DeviceEnds } from './device-ends.ts';
import { DeviceHosts } from './device-hosts.ts';
import { DeviceLocks } from './device-locks.ts';
import { DeviceShortcuts } from './device-shortcuts.ts';
import { MachineDirtyLog } from './machine-dirty-log.ts';
import { MachineDma } from './machine-dma.ts';
import { fullMachineOptions, type MachineOptions } from './machine-options.ts';
import { MemoryQueries } from './memory-queries.ts';
import { PiscinaHost } from './piscina-host.ts';
import { type ReaderState, readerStatesOf } from './reader-states.ts';
import { type MachineGauges, SharedBuffers } from './shared-buffers.ts';
import { ThreadHost } from './thread-host.ts';
import { translatorPoster } from './translator-poster.ts';
import type { VcpuHandle } from './vcpu-handle.ts';
import { VcpuSet, type VcpuStartOptions } from './vcpu-set.ts';

export class Machine extends MachineDma {
  /** What a reader thread is started with. */
  readonly shared: SharedMachine;
  /** Which pages were written: reading and clearing, while vCPUs run. */
  readonly dirtyLog: MachineDirtyLog;
  /** What answers where. */
  readonly query: MemoryQueries;
  /** Logging of all memory, for migration. */
  readonly dirtyTracking: DirtyTracking;
  private readonly buffers: SharedBuffers;
  protected readonly ram: RamStore;
  protected readonly dirtyPages: DirtyPages;
  private readonly grace: GraceWriter;
  protected readonly publisher: Publisher;
  private readonly listeners: Listeners;
  private readonly locks: DeviceLocks;
  private readonly hosts: DeviceHosts;
  private readonly deviceEnds: DeviceEnds;
  private readonly control: ControlMemory;
  protected readonly shortcuts: DeviceShortcuts;
  private readonly vcpuSet: VcpuSet;
  private closing: Promise<void> | null = null;

  /** @throws MemoryError INVALID_ARGUMENT for an option out of bounds */
  constructor(options: MachineOptions = {}) {
    super();
    const full = fullMachineOptions(options);
    this.buffers = new SharedBuffers(full, (free) => this.callRcu(free));
    const { control, hub, arena, ram, dirtyPages, grace, shared } = this.buffers;
    this.ram = ram;
    this.dirtyPages = dirtyPages;
    this.grace = grace;
    this.shared = shared;
    this.locks = new DeviceLocks(this.shared.control);
    const readers = {
      ...{ grace: this.grace, hub, locks: this.locks },
      onGone: (slot: number): void => this.shortcuts.coalescing.readerGone(slot),
    };
    this.hosts = new DeviceHosts(this.shared, readers, { ...full, onHostDeath: full.onDeviceHostDeath });
    const wait = { whileWaiting: () => this.hosts.answerAsks(), patienceMs: full.patienceMs };
    this.control = new ControlMemory(this.shared, full.onDeviceReport, this.hosts.control, wait);
    hub.subscribe(this.control);
    const devices = new DeviceRegistry((device, region, binding) => {
      this.shortcuts.onDevice(device, region);
      const attached = this.hosts.attach(device, region, binding);
      hub.post({ kind: 'device', device, regionName: region.name, attached });
      this.deviceEnds.add(region, device);
    });
    this.shortcuts = new DeviceShortcuts({
      ...{ hub, grace: this.grace, hosts: this.hosts, guestEndianness: full.guestEndianness },
      replayQueued: () => this.control.replayQueued(),
      findDevice: (region) => devices.find(region),
    });
    const resources = { arena, ram, deviceIdOf: (region: MemoryRegion) => devices.idOf(region) };
    this.deviceEnds = new DeviceEnds({
      ...{ words: control, hosts: this.hosts },
      synchronize: () => this.synchronize(),
      flush: (region) => this.shortcuts.coalescing.flush(region),
    });
    this.listeners = new Listeners(full.onListenerError);
    this.publisher = new Publisher(control, resources, this.grace, {
      garbageBytesMax: full.garbageBytesMax,
      listeners: this.listeners,
      onAddressSpace: (index, { name }) => hub.post({ kind: 'address-space', index, name }),
      onPublished: (views) => {
        this.control.refresh();
        this.dirtyPages.published(views);
      },
      onTranslator: translatorPoster(hub, this.control),
    });
    this.ram.onceUnheld = (region, free) => this.publisher.store.onceUnheld(region, free);
    registerParticipant(this.shortcuts);
    registerParticipant(this.publisher);
    this.query = new MemoryQueries(this.publisher);
    this.dirtyTracking = new DirtyTracking(this.publisher, this.listeners);
    this.dirtyLog = new MachineDirtyLog({
      ...{ control, pages: this.dirtyPages, audience: this.dirtyTracking },
      rearm: () => this.control.rearm(),
      synchronize: () => this.synchronize(),
    });
    this.vcpuSet = new VcpuSet({
      ...readers,
      machine: this.shared,
      host: full.vcpuHost === 'threads' ? new ThreadHost() : new PiscinaHost(full.vcpuSlots),
      slotCount: full.vcpuSlots,
      onDeviceReport: full.onDeviceReport,
    });
  }

  /**
   * Shows `root` to vCPUs as a new address space. Inside a transaction it appears at its end.
   * @param space a name, or an address space of yours that was not added yet
   * @throws MemoryError ADDRESS_SPACES_EXHAUSTED, MACHINE_CLOSED, or what a transaction throws
   */
  addAddressSpace(space: string | AddressSpace, root: MemoryRegion | null = null): AddressSpace {
    this.refuseWhenClosed();
    if (typeof space !== 'string') requireAddressSpace('addAddressSpace()', space);
    const added = typeof space === 'string' ? new AddressSpace(space) : space;
    transaction(() => {
      if (root !== null) added.setRoot(root);
      this.publisher.add(added);
    });
    return added;
  }

  /**
   * Takes an address space away: its ports find nothing mapped, its listeners are told so and go with it.
   * One that is not there is left alone.
   * @returns resolves once no vCPU can be using what it showed
   */
  removeAddressSpace(space: AddressSpace): Promise<void> {
    if (this.publisher.has(space)) this.publisher.remove(space);
    // in a turn of its own: an open transaction ends first, and the grace period begins with its publication
    return Promise.resolve().then(() => this.synchronize());
  }

  get addressSpaces(): readonly AddressSpace[] {
    return [...this.publisher.addressSpaces];
  }

  /** The flat view that vCPUs find behind `space`. */
  flatViewOf(space: AddressSpace): FlatView {
    return this.publisher.flatViewOf(space);
  }

  /**
   * The number by which threads know `space`; a vCPU opens its port by that, or by its name, which may repeat.
   * @throws MemoryError ADDRESS_SPACE_UNKNOWN
   */
  indexOf(space: AddressSpace): number {
    return this.publisher.indexOf(space);
  }

  /**
   * The control thread's port to `space`: memory and devices as the newest layout has them, also from inside
   * a device's callback. A device that another thread holds up fails the access after some seconds.
   * @throws MemoryError ADDRESS_SPACE_UNKNOWN
   */
  memory(space: AddressSpace): MemoryPort {
    return this.control.port(this.publisher.indexOf(space));
  }

  /** A 32-bit number of yours that is stored in every view made from now on; a port shows its view's. */
  get layoutTag(): number {
    return this.publisher.layoutTag;
  }
  set layoutTag(tag: number) {
    if (typeof tag !== 'number')
      throw invalidArgument('layoutTag', `it must be a number, got ${describeValue(tag)}`);
    this.publisher.layoutTag = tag | 0;
  }

  /** Calls `listener` after each transaction that changed what vCPUs see. Returns how to stop that. */
  onPublication(listener: (publication: Publication) => void): () => void {
    return this.publisher.onPublication(functionFromArgument('onPublication()', 'the listener', listener));
  }

  /**
   * Tells `listener` all that `space` shows, then what changes. Inside a transaction it is told what is
   * published so far.
   * @throws MemoryError INVALID_ARGUMENT for a listener that is registered already or malformed,
   *   ADDRESS_SPACE_UNKNOWN for a space that is not there yet, LISTENER_REFUSED if all memory is tracked and its
   *   logGlobalStart throws, TRANSACTION_REENTERED from inside a listener
   * @source QEMU memory_listener_register
   */
  addListener(listener: MemoryListener, space: AddressSpace): void {
    refuseWhileCommitting();
    const start = (): void => this.dirtyTracking.startListener(listener);
    this.listeners.add(listener, space, this.publisher.publishedViewOf(space), start);
  }

  /** Takes back from `listener` all that it was told. One that is not registered is left alone. */
  removeListener(listener: MemoryListener): void {
    refuseWhileCommitting();
    this.listeners.remove(listener, (space) => this.publisher.seenViewOf(space));
  }

  /** Starts a vCPU: see VcpuSet.start. */
  startVcpu(options: VcpuStartOptions): VcpuHandle {
    this.refuseWhenClosed();
    return this.vcpuSet.start(options);
  }

  /** The vCPUs whose programs have not ended. */
  get vcpus(): readonly VcpuHandle[] {
    return this.vcpuSet.vcpus;
  }

  /** Resolves when every vCPU is paused or has ended. */
  pause(): Promise<void> {
    this.dirtyTracking.setRunning(false);
    return this.vcpuSet.pause();
  }

  resume(): void {
    this.vcpuSet.resume();
    this.dirtyTracking.setRunning(true);
  }

  /** Asks every vCPU to stop; resolves when all have. @param timeoutMs after which a thread is ended */
  stop(timeoutMs?: number): Promise<void> {
    return this.vcpuSet.stop(timeoutMs);
  }

  /** Starts a worker for devices; its number is what hostedDevice() takes. */
  startDeviceHost(): Promise<number> {
    this.refuseWhenClosed();
    return this.hosts.startHost();
  }

  /** Ends a device worker; accesses to its devices give MEMTX_ERROR from then on. */
  closeDeviceHost(host: number): Promise<void> {
    return this.hosts.closeHost(host);
  }

  /** Resolves once every vCPU that is online now has passed a checkpoint. */
  synchronize(): Promise<void> {
    const ended = this.grace.synchronize();
    this.pollWhenClosed();
    return ended;
  }

  /** Calls `callback` once every vCPU that is online now has passed a checkpoint. */
  callRcu(callback: () => void): void {
    this.grace.callRcu(functionFromArgument('callRcu()', 'the callback', callback));
    this.pollWhenClosed();
  }

  get gauges(): MachineGauges {
    return this.buffers.gauges(
      this.publisher,
      this.locks.sharedBytes + this.shortcuts.coalescing.sharedBytes,
    );
  }

  /** What each vCPU was last seen to do, and how far it is behind. */
  get readers(): readonly ReaderState[] {
    return readerStatesOf(this.buffers.control, this.vcpus);
  }

  /**
   * Stops the vCPUs, ends all threads, and writes files back that RAM was read from, where that was asked for.
   * Resolves when nothing is left; calling it again is harmless. Rejects, with all the rest done, if a file cannot
   * be written: MemoryError RAM_FILE_UNUSABLE, RAM_FILE_READONLY.
   */
  close(): Promise<void> {
    this.closing ??= this.end();
    return this.closing;
  }

  private async end(): Promise<void> {
    unregisterParticipant(this.shortcuts);
    unregisterParticipant(this.publisher);
    await this.vcpuSet.close();
    await this.hosts.close();
    this.deviceEnds.close();
    this.control.close();
    this.grace.poll(); // no reader is left: who awaits a grace period shall not wait for ever
    this.publisher.close();
    this.grace.close();
    this.publisher.store.close();
    this.endRam();
  }

  /** A closed machine has no reader to wait for, and waits for none in the background. */
  private pollWhenClosed(): void {
    if (this.closing !== null) this.grace.poll();
  }

  private refuseWhenClosed(): void {
    if (this.closing !== null)
      throw new MemoryError('MACHINE_CLOSED', 'this machine was closed; make another');
  }
}
