/**
 * What every thread that accesses memory is made of: its reader, its devices, its views of RAM, and a port for
 * each address space that it uses. A vCPU's, a device host's, the control thread's; one thread's own.
 * Guarantee: an address space has one port in a thread, by whatever way it is asked for.
 */
import { GraceReader } from '../grace/reader.ts';
import type { SharedMachine } from '../layout/attachments.ts';
import type { SharedWords } from '../layout/control-block.ts';
import type { DeviceCalls } from './device-calls.ts';
import { DeviceTable } from './device-table.ts';
import type { ReportDevice } from './failure-reports.ts';
import { MemoryPort } from './memory-port.ts';
import { RamViews } from './ram-views.ts';
import { ReaderSession } from './reader-session.ts';
import type { DeviceHome } from './route-loader.ts';
import { ThreadHolds } from './thread-holds.ts';
import { TracedDevices } from './traced-devices.ts';
import { Translators } from './translators.ts';

export class ThreadMemory {
  readonly words: SharedWords;
  readonly reader: GraceReader;
  readonly session: ReaderSession;
  readonly ram: RamViews;
  readonly devices: DeviceTable;
  readonly translators: Translators;
  readonly holds: ThreadHolds;
  private readonly arena: SharedWords;
  /** What ports reach devices by. */
  private readonly calls: DeviceCalls;
  /** By the address space's index. */
  private readonly ports = new Map<number, MemoryPort>();

  /** @param home the devices of this thread, where it is a device host */
  constructor(machine: SharedMachine, slot: number, report: ReportDevice, home: DeviceHome | null = null) {
    this.words = new Int32Array(machine.control);
    this.arena = new Int32Array(machine.arena);
    this.reader = new GraceReader(this.words, slot);
    this.session = new ReaderSession(this.words, this.reader);
    this.ram = new RamViews({ bytes: machine.ram, dirty: machine.dirty });
    this.holds = new ThreadHolds(this.words, slot);
    const devices = new DeviceTable(this.words, this.session, report, home);
    this.devices = devices;
    this.calls = machine.traceAccesses === true ? new TracedDevices(devices, slot) : devices;
    const around = {
      words: this.words,
      vcpu: slot,
      get memory() {
        return devices.memory; // given later
      },
    };
    this.translators = new Translators(around, this.reader, report);
  }

  /** Called when a device, a translator or a RAM buffer is met that this thread was not told of yet. */
  set onMissing(drain: () => void) {
    this.ram.onMissing = drain;
    this.devices.onMissing = drain;
    this.translators.onMissing = drain;
  }

  port(addressSpace: number): MemoryPort {
    const open = this.ports.get(addressSpace);
    if (open !== undefined) return open;
    const { words: control, arena, ram, holds, translators } = this;
    const port = new MemoryPort({ control, arena, ram, holds, translators }, addressSpace, this.calls);
    this.ports.set(addressSpace, port);
    this.session.add(port);
    return port;
  }

  /** Goes offline: the ports reach nothing until session.attach(). */
  leave(phase: number): void {
    this.session.detach(phase);
    for (const port of this.ports.values()) port.forget();
  }
}
