/**
 * What IOMMUs are asked and what they answer: shared by the control side, which describes mappings, and by
 * translator modules, which run in every thread that accesses memory.
 * @source QEMU include/system/memory.h: IOMMUTLBEntry, IOMMUAccessFlags, IOMMUNotifierFlag
 */
import type { DeviceContext, DeviceModule } from './device-binding.ts';
import type { MemTxAttrs } from './mem-tx-attrs.ts';

/** What a mapping lets through. As a question `none` asks for the whole entry, whatever it permits. */
export type IommuPermission = 'none' | 'read' | 'write' | 'read-write';

export const IOMMU_READ = 1;
export const IOMMU_WRITE = 2;

/** IOMMU_READ and IOMMU_WRITE as a permission's bits; undefined for what is no permission. */
export const permissionBits = (permission: unknown): number | undefined =>
  ({ none: 0, read: IOMMU_READ, write: IOMMU_WRITE, 'read-write': IOMMU_READ | IOMMU_WRITE })[
    permission as IommuPermission
  ];

export const permissionFromBits = (bits: number): IommuPermission =>
  (['none', 'read', 'write', 'read-write'] as const)[bits & 3]!;

/** What a translator answers for the block of addresses around the one that it was asked for. */
export interface IommuTranslation {
  /** Where it leads, as an index into the IOMMU's `targets`; 0 by default. */
  readonly target?: number;
  /** Where the block begins there; the bits under `mask` are ignored. */
  readonly translated: bigint;
  /** The address bits that pass unchanged, a power of two minus one: 0xfff for a page of 4 KiB. */
  readonly mask: bigint;
  readonly permission: IommuPermission;
}

/** The callbacks of a callback IOMMU, in each thread that accesses memory through it. */
export interface IommuTranslator {
  /**
   * Null where nothing is mapped. It may depend on `iova` and `index` only, and on state that changes together
   * with CallbackIommu.notifyUnmap(): threads keep what they were answered until then. It is called without a
   * lock, in any thread; it may read RAM by its context's memory().
   */
  translate(iova: bigint, access: IommuPermission, index: number): IommuTranslation | null;
  /** Which index an access with `attrs` belongs to; by default what the IOMMU's `indexFrom` says. */
  indexFromAttrs?(attrs: MemTxAttrs): number;
}

/** The export that a translator module must have under its exportName. */
export type IommuTranslatorFactory = (context: DeviceContext) => IommuTranslator;

/** Names a translator's factory; each thread loads it for itself, as a device's. */
export type TranslatorModule = Omit<DeviceModule, 'rules'>;

export const IOMMU_NOTIFIER_UNMAP = 1;
export const IOMMU_NOTIFIER_MAP = 2;
export const IOMMU_NOTIFIER_DEVIOTLB_UNMAP = 4;
