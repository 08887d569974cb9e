/** What regions are made from: kinds, options, and the flags that options and mutators set. */
import { booleanFromArgument } from './arguments.ts';
import type { Owner } from './owner.ts';

/** A size or an offset: exact as bigint, or a number up to 2^53 - 1. */
export type Bytes = bigint | number;

/** A ROM is `ram` that is readonly, as in QEMU; a reservation is `io` without a device. */
export type MemoryRegionKind = 'container' | 'ram' | 'ram-device' | 'rom-device' | 'io' | 'iommu' | 'alias';

export interface MemoryRegionOptions {
  /** Keeps the region alive; a text or null does not: such a region lives until it is finalised by itself. */
  readonly owner?: Owner | string | null;
  readonly enabled?: boolean;
  readonly readonly?: boolean;
  readonly nonvolatile?: boolean;
  /** Keeps what is seen of it in ranges of their own, that are not joined with their neighbours. */
  readonly unmergeable?: boolean;
  /** ROM device: whether reads go straight to its bytes. */
  readonly romd?: boolean;
  /**
   * Names the region's RAM block: by default the owner's path and the region's name, or the name alone. Two blocks
   * of one id in a machine are an error. Null: the name, with an index where it is taken, for texts that repeat names.
   */
  readonly ramId?: string | null;
  /** Whether its bytes belong to a saved or moved machine; by default where the kind's bytes are the machine's own. */
  readonly migratable?: boolean;
  /** What a region keeps while it has no container. A root is rendered at its own address. */
  readonly address?: Bytes;
  readonly priority?: number;
}

export type RegionFlag = 'enabled' | 'readonly' | 'nonvolatile' | 'unmergeable' | 'romd';

/** The flags of a new region. @throws MemoryError INVALID_ARGUMENT for what is no boolean */
export function flagsFromOptions(where: string, options: MemoryRegionOptions): Record<RegionFlag, boolean> {
  return {
    enabled: booleanFromArgument(where, 'enabled', options.enabled ?? true),
    readonly: booleanFromArgument(where, 'readonly', options.readonly ?? false),
    nonvolatile: booleanFromArgument(where, 'nonvolatile', options.nonvolatile ?? false),
    unmergeable: booleanFromArgument(where, 'unmergeable', options.unmergeable ?? false),
    romd: booleanFromArgument(where, 'romd', options.romd ?? true),
  };
}
