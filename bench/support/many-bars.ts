/** A machine's tree with many regions: RAM, and BARs of 16 KiB with as much room between them. */
import { controlDevice } from '../../src/base/device-binding.ts';
import { MemoryRegion } from '../../src/model/memory-region.ts';

export const BAR_BYTES = 0x4000;
export const BAR_STRIDE = 2 * BAR_BYTES;
export const BARS_START = 0x8000_0000;

const device = controlDevice({ read: () => 0, write: () => {} });

export interface ManyBars {
  readonly root: MemoryRegion;
  readonly bars: readonly MemoryRegion[];
}

/** @param regionCount regions that show: one of RAM, the others BARs in a PCI container */
export function manyBars(regionCount: number): ManyBars {
  const root = MemoryRegion.container('system', 2n ** 64n);
  const pci = MemoryRegion.container('pci', 2n ** 64n);
  const bars = Array.from({ length: regionCount - 1 }, (_, i) =>
    MemoryRegion.io(`bar-${i}`, BAR_BYTES, device),
  );
  bars.forEach((bar, i) => {
    pci.addSubregion(BARS_START + i * BAR_STRIDE, bar);
  });
  root.addSubregionOverlap(0, pci, -1);
  root.addSubregion(0, MemoryRegion.ram('ram', 0x10_0000));
  return { root, bars };
}

export const REGION_COUNTS = [10, 100, 1000, 10_000] as const;
