/**
 * Configuration space of one PCI function, as far as it places memory BARs.
 *
 *   offset     register
 *   0x00       vendor and device id
 *   0x04       command: bit 1 lets the BARs answer
 *   0x10 + 4n  BAR n: its address, a multiple of its size. Written as all ones it reads back as the mask of the
 *              bits that can be set, which is how a guest learns the size
 */
import { type DeviceCallbacks, type MemoryRegion, transaction } from 'flatview';

const COMMAND = 0x04;
const BAR0 = 0x10;
const COMMAND_MEMORY = 2;

export class PciFunction implements DeviceCallbacks {
  private readonly id: number;
  private readonly bars: readonly MemoryRegion[];
  private readonly addresses: number[];
  private command = 0;

  /** @param bars of a power of two bytes each; they come into `container`, and are hidden until they are enabled */
  constructor(id: number, container: MemoryRegion, bars: readonly MemoryRegion[]) {
    this.id = id;
    this.bars = bars;
    this.addresses = bars.map(() => 0);
    for (const bar of bars) {
      bar.setEnabled(false);
      container.addSubregion(0, bar);
    }
  }

  read(offset: number): number {
    if (offset === 0) return this.id;
    if (offset === COMMAND) return this.command;
    return this.addresses[(offset - BAR0) >> 2] ?? 0;
  }

  write(offset: number, value: number): void {
    const bar = this.bars[(offset - BAR0) >> 2];
    if (offset === COMMAND) this.command = value & COMMAND_MEMORY;
    else if (bar !== undefined) this.addresses[(offset - BAR0) >> 2] = (value & -Number(bar.size)) >>> 0;
    this.place();
  }

  /** The layout after the registers; published once, when the transaction ends. */
  private place(): void {
    transaction(() => {
      for (const [index, bar] of this.bars.entries()) {
        bar.setAddress(this.addresses[index]!);
        bar.setEnabled((this.command & COMMAND_MEMORY) !== 0);
      }
    });
  }
}
