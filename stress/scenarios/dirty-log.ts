/** Pages are copied by dirty snapshots while vCPUs store; whenever the vCPUs rest, the copy must be what RAM holds. */
import { DIRTY_CLIENT_VGA } from '../../src/base/dirty-log.ts';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import { type Bed, sharedWords } from '../bed.ts';
import type { DirtyWriterJob } from '../programs/dirty-writer.ts';
import type { Scenario } from '../scenario.ts';

const program = new URL('../programs/dirty-writer.ts', import.meta.url);
const RAM_BYTES = 2 ** 21;
const SNAPSHOTS_A_REST = 12;

export const dirtyLog: Scenario = {
  name: 'dirty-log',
  property:
    'no store is lost between a clear of dirty bits and the next read: a copy by snapshots is what RAM holds',
  seconds: 4,
  async run(bed) {
    const machine = bed.open({ ramReserveBytes: RAM_BYTES });
    const root = MemoryRegion.container('root', 2n ** 64n);
    const regions = ['reserved', 'apart'].map((name) => MemoryRegion.ram(name, RAM_BYTES)); // the second has a buffer of its own
    for (const [index, region] of regions.entries()) root.addSubregion(index * RAM_BYTES, region);
    machine.addAddressSpace('memory', root);
    const job: DirtyWriterJob = { ramBytes: regions.length * RAM_BYTES };
    for (let vcpu = 0; vcpu < bed.vcpuCount; vcpu += 1) bed.start(program, job, { words: sharedWords(1) });
    await bed.up();
    for (const region of regions) region.dirtyLog.setLog(true, DIRTY_CLIENT_VGA); // in the middle of stores
    const copies = regions.map((region) => new Copy(bed, region));
    let rests = 0;
    while (!bed.timeIsUp) {
      for (let taken = 0; taken < SNAPSHOTS_A_REST; taken += 1)
        for (const copy of copies) await copy.update();
      if (bed.random.below(2) === 0) await bed.random.pick(copies).logAgain();
      await bed.bounded('pause of the vCPUs', machine.pause());
      for (const copy of copies) {
        await copy.update();
        copy.compare();
      }
      machine.resume();
      rests += 1;
    }
    await bed.stopVcpus();
    for (const copy of copies) {
      await copy.update();
      copy.compare();
    }
    return `${copies.reduce((sum, { pages }) => sum + pages, 0)} dirty pages copied, compared ${rests + 1} times`;
  },
};

class Copy {
  /** Dirty pages that were copied. */
  pages = 0;
  private readonly bed: Bed;
  private readonly region: MemoryRegion;
  private readonly bytes = new Uint8Array(RAM_BYTES);

  constructor(bed: Bed, region: MemoryRegion) {
    this.bed = bed;
    this.region = region;
  }

  async update(): Promise<void> {
    const { bed, region, bytes } = this;
    const taken = bed.machine.dirtyLog.snapshotAndClear(region, 0, RAM_BYTES, DIRTY_CLIENT_VGA);
    for (const { offset, size } of await bed.bounded('a snapshot of dirty pages', taken)) {
      bytes.set(bed.machine.readRam(region, offset, size), offset);
      this.pages += size / 4096;
    }
  }

  /** Ends the log and begins it again, with stores that nobody marks in between. */
  async logAgain(): Promise<void> {
    const { dirtyLog } = this.region;
    dirtyLog.setLog(false, DIRTY_CLIENT_VGA);
    await this.bed.graceful('synchronize() without a log');
    await this.update();
    await this.bed.graceful('synchronize() with stores that nobody marks');
    dirtyLog.setLog(true, DIRTY_CLIENT_VGA);
  }

  compare(): void {
    const { bed, region, bytes } = this;
    const now = bed.machine.readRam(region, 0, RAM_BYTES);
    bed.checked();
    if (Buffer.compare(now, bytes) === 0) return;
    const at = now.findIndex((byte, index) => byte !== bytes[index]);
    bed.violation(`the copy of '${region.name}' lacks a store at byte 0x${at.toString(16)}`);
    bytes.set(now); // what is lost is told once
  }
}
