/** Where an access ends, through all IOMMUs on its way, and for which block of addresses around it that holds. */
import { addressFromHalves, hiFromAddress, loFromAddress } from '../base/addresses.ts';
import { IOMMU_READ, IOMMU_WRITE, type IommuPermission, permissionFromBits } from '../base/iommu.ts';
import { cellWord } from '../layout/map-entry.ts';
import { SECTION_FLAG_ASSIGNED, SECTION_FLAG_IOMMU, SECTION_FLAGS } from '../layout/section-record.ts';
import type { SlowAccess } from './slow-access.ts';
import { PAGE_MASK } from './tlb.ts';

/** What memory ports know of an address. The address space is an index of the machine's. */
export interface PortIotlbEntry {
  readonly addressSpace: number;
  /** Where the block begins there. */
  readonly translated: bigint;
  /** The address bits that pass unchanged: those of all IOMMUs; of a page where there is none. */
  readonly mask: bigint;
  readonly permission: IommuPermission;
}

const BLOCK_BITS_MAX = 52; // distances are doubles

/** Null where the access does not pass, or nothing answers at the end. @source QEMU address_space_get_iotlb_entry */
export function iotlbEntry(slow: SlowAccess, address: bigint, isWrite: boolean): PortIotlbEntry | null {
  const { paths } = slow;
  let entered = 0;
  let source = slow;
  let at = address;
  let mask = BigInt.asUintN(64, -1n);
  let permission = IOMMU_READ | IOMMU_WRITE;
  try {
    for (;;) {
      const hi = hiFromAddress(at);
      const lo = loFromAddress(at);
      const cell = source.lookup(hi, lo);
      const flags = source.arena[cellWord(cell) + SECTION_FLAGS]!;
      if ((flags & SECTION_FLAG_ASSIGNED) === 0) return null;
      if ((flags & SECTION_FLAG_IOMMU) === 0) {
        if (entered === 0) mask = BigInt(~PAGE_MASK);
        const { addressSpace } = source;
        return { addressSpace, translated: at & ~mask, mask, permission: permissionFromBits(permission) };
      }
      entered += 1;
      if (!paths.enter(source, cell, hi, lo, isWrite ? IOMMU_WRITE : IOMMU_READ)) return null;
      const next = addressFromHalves(paths.hi, paths.lo);
      mask &= blockMask(at, next, paths.before, paths.reach);
      permission &= paths.permission;
      source = paths.target;
      at = next;
    }
  } finally {
    for (; entered > 0; entered -= 1) paths.leave();
  }
}

/** Mask of the largest aligned block around `from` that moves as one, `before` and `reach` being what does. */
function blockMask(from: bigint, to: bigint, before: number, reach: number): bigint {
  for (let bits = BLOCK_BITS_MAX; ; bits -= 1) {
    const mask = (1n << BigInt(bits)) - 1n;
    const within = from & mask;
    if (((from ^ to) & mask) === 0n && within <= before && mask - within < reach) return mask;
  }
}
