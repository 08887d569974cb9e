/** The face of `flatview`: the control side. Programs that run in a vCPU's thread import `flatview/vcpu`. */
export type { AccessRules, AccessSize, AccessSizes, Endianness } from './base/access-rules.ts';
export {
  type AnyDeviceCallbacks,
  type ControlDevice,
  controlDevice,
  type DeviceBinding,
  type DeviceCallbacks,
  type DeviceCallbacksWithAttrs,
  type DeviceContext,
  type DeviceFactory,
  type HostedDevice,
  hostedDevice,
  type LocalDevice,
  localDevice,
} from './base/device-binding.ts';
export {
  DIRTY_CLIENT_CODE,
  DIRTY_CLIENT_MIGRATION,
  DIRTY_CLIENT_VGA,
  DIRTY_TRACKING_DIRTY_RATE,
  DIRTY_TRACKING_LIMIT,
  DIRTY_TRACKING_MIGRATION,
} from './base/dirty-log.ts';
export { MemoryError, type MemoryErrorCode } from './base/errors.ts';
export type { EventNotifier } from './base/event-notifier.ts';
export type { GuestMemory, MemoryMapping } from './base/guest-memory.ts';
export {
  IOMMU_NOTIFIER_DEVIOTLB_UNMAP,
  IOMMU_NOTIFIER_MAP,
  IOMMU_NOTIFIER_UNMAP,
  type IommuPermission,
  type IommuTranslation,
} from './base/iommu.ts';
export {
  MEMTXATTRS_DEBUG,
  MEMTXATTRS_MEMORY,
  MEMTXATTRS_NONE,
  MEMTXATTRS_SECURE,
  MEMTXATTRS_UNSPECIFIED,
  MEMTXATTRS_USER,
  type MemTxAttrs,
  type MemTxAttrsFields,
  memTxAttrs,
  pidOfAttrs,
  requesterIdOfAttrs,
  spaceOfAttrs,
} from './base/mem-tx-attrs.ts';
export {
  MEMTX_ACCESS_ERROR,
  MEMTX_DECODE_ERROR,
  MEMTX_ERROR,
  MEMTX_OK,
  type MemTxFailure,
  type MemTxResult,
  memTxFailure,
} from './base/mem-tx-result.ts';
export type { PortEntry } from './base/port-callbacks.ts';
export type { RamBlockInfo } from './base/ram-block-info.ts';
export { type SharedMemoryFigures, sharedMemory } from './base/shared-memory.ts';
export type { RegionAccessEvent, ViewEvent } from './base/trace.ts';
export type { StallReport } from './grace/writer.ts';
export type { DoorbellHandle } from './layout/attachments.ts';
export { Doorbell } from './mailbox/doorbell.ts';
export { AddressSpace } from './model/address-space.ts';
export type { BusMaster } from './model/bus-master.ts';
export { CallbackIommu, type CallbackIommuOptions } from './model/callback-iommu.ts';
export type { CoalescedRange, CoalescedRanges } from './model/coalesced-ranges.ts';
export type { DirtyLog } from './model/dirty-log.ts';
export type { EventfdList, EventfdOptions, RegionEventfd } from './model/eventfd-list.ts';
export type { Iommu, IommuMapping, IommuOptions } from './model/iommu.ts';
export type { IommuEvent, IommuNotifier, IommuNotifiers } from './model/iommu-notifiers.ts';
export { type IommuMapOptions, IommuTable } from './model/iommu-table.ts';
export { MemoryRegion } from './model/memory-region.ts';
export { Owner, type OwnerOptions } from './model/owner.ts';
export { portIoRegion } from './model/port-io.ts';
export { PortList } from './model/port-list.ts';
export type { BufferWindow, ResizableOptions } from './model/ram-backing.ts';
export type { RamFileOptions } from './model/ram-file.ts';
export type { MemoryRegionKind, MemoryRegionOptions } from './model/region-options.ts';
export { transaction } from './model/transaction.ts';
export type { DirtyRange, DirtyRanges } from './publish/dirty-ranges.ts';
export type { DirtyTracking } from './publish/dirty-tracking.ts';
export {
  LISTENER_PRIORITY_ACCEL,
  LISTENER_PRIORITY_DEV_BACKEND,
  LISTENER_PRIORITY_MIN,
  type ListenerCallback,
  type ListenerReport,
  type MemoryListener,
  type SeenEventfd,
} from './publish/memory-listener.ts';
export type { Publication } from './publish/publications.ts';
export type { RamPlace } from './publish/ram-addresses.ts';
export type { FlatViewOptions, MtreeOptions } from './qemu/mtree-options.ts';
export { printFlatViews, printMtree } from './qemu/mtree-printer.ts';
export { printRamBlocks } from './qemu/ram-block-printer.ts';
export type { AddressWindow, FlatRange, FlatView } from './render/flat-view.ts';
export type { HeldView } from './render/held-view.ts';
export type { HeldSection, MemoryRegionSection } from './render/memory-region-section.ts';
export type { DeviceHostDeath } from './service/device-hosts.ts';
export { Machine } from './service/machine.ts';
export type { MachineDirtyLog } from './service/machine-dirty-log.ts';
export type { IotlbEntry } from './service/machine-dma.ts';
export type { MachineOptions } from './service/machine-options.ts';
export type { MemoryQueries } from './service/memory-queries.ts';
export type { ReaderState } from './service/reader-states.ts';
export type { MachineGauges } from './service/shared-buffers.ts';
export type { VcpuHandle, VcpuPhase } from './service/vcpu-handle.ts';
export type { VcpuStartOptions } from './service/vcpu-set.ts';
export type { DeviceReport } from './vcpu/failure-reports.ts';
