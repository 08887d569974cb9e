/**
 * What lies behind IOMMUs, byte by byte: each byte of an access is translated by itself, through as many IOMMUs as
 * there are on the way, by a dictionary of granules. It knows neither views nor tables nor pages.
 */
import { MEMTX_DECODE_ERROR, MEMTX_OK, type MemTxResult } from '../../src/base/mem-tx-result.ts';

export interface ModelRam {
  readonly start: number;
  readonly bytes: Uint8Array;
  readonly readonly?: boolean;
}

export interface ModelIommu {
  readonly start: number;
  readonly size: number;
  readonly granule: number;
  /** By index, then by granule. */
  readonly mapped: readonly Map<number, { space: ModelSpace; target: number; permission: string }>[];
}

export interface ModelSpace {
  readonly ram: readonly ModelRam[];
  readonly iommus: readonly ModelIommu[];
}

/** A chain that is longer has come back to where it was. */
const CHAIN_MAX = 16;

export class IommuModel {
  result: MemTxResult = MEMTX_OK;
  /** Which of the IOMMUs' indexes accesses use. */
  index = 0;

  read(space: ModelSpace, address: number, length: number): number[] {
    this.result = MEMTX_OK;
    return Array.from({ length }, (_, i) => {
      const found = this.find(space, address + i, 'read');
      if (found === null) this.result |= MEMTX_DECODE_ERROR;
      return found === null ? 0 : found.ram.bytes[found.at]!;
    });
  }

  /** @param isStore a vCPU's, which read-only memory discards without an error */
  write(space: ModelSpace, address: number, values: readonly number[], isStore: boolean): void {
    this.result = MEMTX_OK;
    for (const [i, value] of values.entries()) {
      const found = this.find(space, address + i, 'write');
      if (found === null || (found.ram.readonly === true && !isStore)) this.result |= MEMTX_DECODE_ERROR;
      else if (found.ram.readonly !== true) found.ram.bytes[found.at] = value;
    }
  }

  private find(
    space: ModelSpace,
    address: number,
    access: 'read' | 'write',
    chain = 0,
  ): { ram: ModelRam; at: number } | null {
    for (const ram of space.ram) {
      const at = address - ram.start;
      if (at >= 0 && at < ram.bytes.length) return { ram, at };
    }
    for (const iommu of space.iommus) {
      const iova = address - iommu.start;
      if (iova < 0 || iova >= iommu.size) continue;
      const entry = iommu.mapped[this.index]?.get(Math.floor(iova / iommu.granule));
      if (entry === undefined || !entry.permission.includes(access) || chain === CHAIN_MAX) return null;
      return this.find(entry.space, entry.target + (iova % iommu.granule), access, chain + 1);
    }
    return null;
  }
}
