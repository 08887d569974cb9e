/** A translator whose page table is its state: word p is 1 + the page where page p leads, or 0. */
import type { IommuTranslation, IommuTranslator } from '../../src/base/iommu.ts';
import type { DeviceContext } from '../../src/vcpu-program.ts';

const PAGE_SHIFT = 12n;

export default function pageTable({ state }: DeviceContext): IommuTranslator {
  const words = new Int32Array(state);
  return {
    translate(iova): IommuTranslation | null {
      const entry = Atomics.load(words, Number(iova >> PAGE_SHIFT));
      if (entry === 0) return null;
      return {
        translated: BigInt(entry - 1) << PAGE_SHIFT,
        mask: (1n << PAGE_SHIFT) - 1n,
        permission: 'read-write',
      };
    },
  };
}
