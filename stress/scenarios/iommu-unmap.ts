/**
 * vCPUs master a bus behind an IOMMU of each kind while mappings come and go. A frame whose unmap has resolved belongs
 * to somebody else: it is filled with a canary that nobody may see or overwrite until it is mapped again.
 */
import { CallbackIommu } from '../../src/model/callback-iommu.ts';
import { IommuTable } from '../../src/model/iommu-table.ts';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import { transaction } from '../../src/model/transaction.ts';
import { type Bed, pause, sharedWords } from '../bed.ts';
import { CANARY, type DmaJob } from '../programs/dma-master.ts';
import type { Scenario } from '../scenario.ts';

const program = new URL('../programs/dma-master.ts', import.meta.url);
const translator = new URL('../devices/page-table.ts', import.meta.url);
const PAGE_BYTES = 4096;
/** Of each IOMMU; it has half as many frames, so every second page leads nowhere at most times. */
const PAGES = 16;
const FRAMES = 8;
const WINDOWS = [0x1000_0000, 0x2000_0000] as const;
const ROUND_MS_MAX = 4;

/** An IOMMU as this scenario uses it, a page at a time. */
interface PageTable {
  map(page: number, frame: number): void;
  /** Pages that are mapped. */
  unmap(pages: readonly number[]): Promise<unknown>;
}

function tableOf(table: IommuTable): PageTable {
  return {
    map: (page, frame) =>
      table.map({ iova: page * PAGE_BYTES, size: PAGE_BYTES, target: frame * PAGE_BYTES }),
    unmap: (pages) =>
      Promise.all(
        transaction(() => ({ ended: pages.map((page) => table.unmap(page * PAGE_BYTES, PAGE_BYTES)) })).ended,
      ),
  };
}

function callbackOf(iommu: CallbackIommu, state: Int32Array): PageTable {
  return {
    map: (page, frame) => void Atomics.store(state, page, frame + 1),
    unmap: (pages) => {
      for (const page of pages) Atomics.store(state, page, 0);
      return Promise.all(pages.map((page) => iommu.notifyUnmap(page * PAGE_BYTES, PAGE_BYTES)));
    },
  };
}

class Frames {
  unmaps = 0;
  private readonly bed: Bed;
  private readonly ram: MemoryRegion;
  private readonly iommu: PageTable;
  /** Of the first of its frames in RAM. */
  private readonly first: number;
  /** By page: its frame. */
  private readonly mapped = new Map<number, number>();
  private readonly free: number[] = [];

  constructor(bed: Bed, ram: MemoryRegion, iommu: PageTable, first: number) {
    this.bed = bed;
    this.ram = ram;
    this.iommu = iommu;
    this.first = first;
    for (let frame = 0; frame < FRAMES; frame += 1) this.take(frame);
  }

  /** Maps some frames anywhere. */
  map(): void {
    const { bed, mapped, free } = this;
    for (let more = bed.random.below(FRAMES); more > 0 && free.length > 0; more -= 1) {
      const page = bed.random.below(PAGES);
      if (mapped.has(page)) continue;
      const frame = free.splice(bed.random.below(free.length), 1)[0]!;
      this.look(frame);
      bed.machine.writeRam(this.ram, (this.first + frame) * PAGE_BYTES, new Uint8Array(PAGE_BYTES));
      this.iommu.map(page, this.first + frame);
      mapped.set(page, frame);
    }
  }

  /** Unmaps some of what is mapped, and takes the frames once that has resolved. */
  async unmap(): Promise<void> {
    const { bed, mapped } = this;
    const pages = [...mapped.keys()].filter(() => bed.random.below(2) === 0);
    if (pages.length === 0) return;
    bed.fault('pages are unmapped under DMA', pages.length);
    await bed.bounded('an unmap', this.iommu.unmap(pages));
    this.unmaps += pages.length;
    for (const page of pages) {
      this.take(mapped.get(page)!);
      mapped.delete(page);
    }
  }

  lookAtAll(): void {
    for (const frame of this.free) this.look(frame);
  }

  private take(frame: number): void {
    const canaries = new Int32Array(PAGE_BYTES / 4).fill(CANARY);
    this.bed.machine.writeRam(this.ram, (this.first + frame) * PAGE_BYTES, new Uint8Array(canaries.buffer));
    this.free.push(frame);
  }

  private look(frame: number): void {
    const { bed, ram, first } = this;
    const bytes = bed.machine.readRam(ram, (first + frame) * PAGE_BYTES, PAGE_BYTES);
    const words = new Int32Array(bytes.buffer);
    const at = words.findIndex((word) => word !== CANARY);
    if (at >= 0)
      bed.violation(`DMA landed in frame ${first + frame}, word ${at}, after its unmap had resolved`);
    bed.checked();
  }
}

function openBus(bed: Bed): readonly Frames[] {
  const { machine } = bed;
  const system = MemoryRegion.container('system', 2n ** 64n);
  const ram = MemoryRegion.ram('ram', 2 * FRAMES * PAGE_BYTES);
  system.addSubregion(0, ram);
  const memory = machine.addAddressSpace('memory', system);
  const bus = MemoryRegion.container('bus', 2n ** 64n);
  machine.addAddressSpace('bus', bus);
  const table = new IommuTable(memory);
  const state = new SharedArrayBuffer(4 * PAGES);
  const callback = new CallbackIommu([memory], translator, { state });
  const size = PAGES * PAGE_BYTES;
  bus.addSubregion(WINDOWS[0], MemoryRegion.iommu('table', size, table));
  bus.addSubregion(WINDOWS[1], MemoryRegion.iommu('callback', size, callback));
  const iommus = [tableOf(table), callbackOf(callback, new Int32Array(state))];
  return iommus.map((iommu, index) => new Frames(bed, ram, iommu, index * FRAMES));
}

export const iommuUnmap: Scenario = {
  name: 'iommu-unmap',
  property: 'once an unmap has resolved no DMA lands in what was unmapped, nor reads it',
  seconds: 4,
  async run(bed) {
    bed.open({ onDeviceReport: (report) => bed.violation(`IOMMU ${report.regionName}: ${report.problem}`) });
    const both = openBus(bed);
    const job: DmaJob = { windows: WINDOWS, pages: PAGES };
    for (let vcpu = 0; vcpu < bed.vcpuCount; vcpu += 1)
      bed.start(program, job, { words: sharedWords(1), addressSpaces: ['bus'] });
    await bed.up();
    while (!bed.timeIsUp) {
      for (const frames of both) frames.map();
      await pause(bed.random.below(ROUND_MS_MAX));
      await Promise.all(both.map((frames) => frames.unmap()));
    }
    await bed.stopVcpus();
    for (const frames of both) frames.lookAtAll();
    return `${both.map(({ unmaps }) => unmaps).join(' + ')} pages unmapped, by table and by callback`;
  },
};
