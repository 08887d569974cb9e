/** vCPU programs and a translator for iommu.test.ts. */

import type { DeviceContext } from '../../../src/base/device-binding.ts';
import type { IommuTranslation, IommuTranslator } from '../../../src/base/iommu.ts';
import type { Vcpu } from '../../../src/vcpu/vcpu.ts';

/** Words of `data.counts`. */
export const COUNT_PASSED = 0;
export const COUNT_REFUSED = 1;
export const COUNT_OF_THE_OTHER = 2;

/** What the control thread writes into a page that is somebody else's. */
export const CANARY = 0x5eed_5eed | 0;
const DEVICE_MARK = 0x0dda_0dda;

/** Reads and writes the first word of a page through its bus until it is told to stop. */
export default function master(vcpu: Vcpu, data: { counts: SharedArrayBuffer; page: number }): void {
  const counts = new Int32Array(data.counts);
  const { memory } = vcpu;
  while (vcpu.checkpoint()) {
    for (let i = 0; i < 50; i += 1) {
      const value = memory.load32(0, data.page);
      if (value === CANARY) Atomics.add(counts, COUNT_OF_THE_OTHER, 1);
      memory.store32(0, data.page, DEVICE_MARK);
      Atomics.add(counts, memory.result === 0 ? COUNT_PASSED : COUNT_REFUSED, 1);
    }
  }
}

/** State: word p is 1 + the page where page p leads, or 0. */
export function pageTable({ state }: DeviceContext): IommuTranslator {
  const words = new Int32Array(state);
  return {
    translate(iova): IommuTranslation | null {
      const entry = Atomics.load(words, Number(iova >> 12n));
      return entry === 0
        ? null
        : { translated: BigInt(entry - 1) << 12n, mask: 0xfffn, permission: 'read-write' };
    },
  };
}
