/** A machine with devices that note what is written to them, for the tests of coalesced MMIO. */
import { controlDevice, type DeviceBinding } from '../../src/base/device-binding.ts';
import { RING_STATE, takesWrites } from '../../src/layout/coalesced-ring.ts';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import type { DeviceShortcuts } from '../../src/service/device-shortcuts.ts';
import { Machine } from '../../src/service/machine.ts';
import type { VcpuHandle } from '../../src/service/vcpu-handle.ts';
import type { DeviceReport } from '../../src/vcpu/failure-reports.ts';
import type { MemoryPort } from '../../src/vcpu/memory-port.ts';
import type { Access } from './programs/basics.ts';
import { LOG_VALUES } from './programs/coalesced-devices.ts';
import { stamped, type WriteJob } from './programs/doorbell-programs.ts';

const basics = new URL('./programs/basics.ts', import.meta.url);
const programs = new URL('./programs/doorbell-programs.ts', import.meta.url);

export const DEVICE = 0x4000_0000;
export const NEIGHBOUR = 0x4000_1000;
/** A RAM word by which threads tell each other something. */
export const WORD = 0x10;

export const newLog = (): Int32Array<SharedArrayBuffer> => new Int32Array(new SharedArrayBuffer(4 * 4096));
export const logged = (words: Int32Array): number[] => [
  ...words.subarray(LOG_VALUES, LOG_VALUES + words[0]!),
];
export const write = (address: number, value: number): Access => ({ address, size: 4, value });
export const read = (address: number): Access => ({ address, size: 4 });
export const stamps = (vcpu: number, count: number): number[] =>
  Array.from({ length: count }, (_, n) => stamped(vcpu, n));
export const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1));
};

export class CoalescingMachine {
  readonly reports: DeviceReport[] = [];
  /** What was written to the recorder(). */
  readonly seen: number[] = [];
  readonly machine: Machine;
  readonly root = MemoryRegion.container('root', 2n ** 64n);
  readonly control: MemoryPort;

  constructor() {
    this.machine = new Machine({
      ...{ ramReserveBytes: 2 ** 20, arenaBytes: 2 ** 20, checked: true },
      onDeviceReport: (report) => this.reports.push(report),
    });
    this.root.addSubregion(0, MemoryRegion.ram('ram', 0x1000));
    this.control = this.machine.memory(this.machine.addAddressSpace('memory', this.root));
  }

  /** In the control thread. A read gives how many writes there were. */
  recorder(): DeviceBinding {
    const { seen } = this;
    return controlDevice({ read: () => seen.length, write: (_offset, value) => void seen.push(value) });
  }

  device(binding: DeviceBinding, address = DEVICE, owner: string | null = null): MemoryRegion {
    const region = MemoryRegion.io(`device at ${address.toString(16)}`, 0x100, binding, { owner });
    this.root.addSubregion(address, region);
    return region;
  }

  ringOf(region: MemoryRegion): Int32Array {
    const { shortcuts } = this.machine as unknown as { shortcuts: DeviceShortcuts };
    return new Int32Array(shortcuts.coalescing.ringOf(region)!);
  }

  /** Resolves when writes to the region's range are queued. */
  async coalesced(region: MemoryRegion, offset = 0, size = 0x80): Promise<MemoryRegion> {
    region.coalescing.add(offset, size);
    const ring = this.ringOf(region);
    await until(() => takesWrites(Atomics.load(ring, RING_STATE)));
    return region;
  }

  start(job: Partial<WriteJob>): VcpuHandle {
    const data = { what: 'write', device: DEVICE, times: 1, ...job };
    return this.machine.startVcpu({ program: programs, data });
  }

  perform(...list: Access[]): Promise<unknown> {
    return this.machine.startVcpu({ program: basics, data: { what: 'accesses', list } }).finished;
  }

  /** Lets a vCPU write while this thread, which should serve it, does not: it ends if the writes are queued. */
  async writesUnserved(times: number): Promise<void> {
    const vcpu = this.start({ what: 'write at once', times, word: WORD });
    await vcpu.started;
    this.control.store32(0, WORD, 1);
    while (this.control.load32(0, WORD) !== 2);
  }
}
