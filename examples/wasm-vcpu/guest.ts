/** What each vCPU runs: translated code in slices, between two checkpoints; and the device that it reads. */
import type { DeviceCallbacks, Vcpu } from 'flatview/vcpu';
import { type SharedMemory, TLB_ENTRIES, translatedSum } from './wasm.ts';

/** The guest adds up the last page of a window and the device's register right behind it. */
export const WINDOW = 0x1000_0000;
export const BANK_BYTES = 0x1_0000;
export const DEVICE = WINDOW + BANK_BYTES;
const LOADS = 1024 + 1;

const PAGE_BYTES = 4096;
const NO_PAGE = 1; // in place of a page's address: no page has it

/** The region whose bytes lie in `memory`, and where. */
export interface GuestTask {
  readonly memory: SharedMemory;
  readonly ramRegionId: number;
  readonly ramByte: number;
}

export const constant = (): DeviceCallbacks => ({ read: () => 7, write: () => {} });

export default function guest(vcpu: Vcpu, { memory, ramRegionId, ramByte }: GuestTask): string {
  const tlbByte = vcpu.id * 8 * TLB_ENTRIES; // each vCPU has its own part of the memory
  const tlb = new Int32Array(memory.buffer, tlbByte, 2 * TLB_ENTRIES);
  let misses = 0;

  /** Any load that the code cannot do by itself; this guest's addresses are below 2^31. */
  const load = (address: number): number => {
    misses += 1;
    const page = address & -PAGE_BYTES;
    const section = vcpu.memory.sectionAt(page); // by the map of this slice
    if (section?.regionId === ramRegionId && section.start + section.size >= page + PAGE_BYTES) {
      const entry = 2 * ((page >>> 12) % TLB_ENTRIES);
      tlb[entry] = page;
      tlb[entry + 1] = ramByte + Number(section.offsetWithinRegion - section.start);
    }
    return vcpu.memory.load32(0, address);
  };

  const sum = translatedSum(memory, load);
  const sums = new Set<number>();
  let slices = 0;
  for (; vcpu.checkpoint(); slices += 1) {
    for (let entry = 0; entry < tlb.length; entry += 2) tlb[entry] = NO_PAGE;
    sums.add(sum(tlbByte, DEVICE + 4 - 4 * LOADS, LOADS));
  }
  const seen = [...sums].sort((a, b) => a - b).join(' and ');
  return `${slices} slices of ${LOADS} loads, ${misses / slices} of which left WebAssembly; the sums were ${seen}`;
}
