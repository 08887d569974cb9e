/** The face of `flatview/vcpu`: what programs and device modules that run in a vCPU's thread use. */
export type {
  AnyDeviceCallbacks,
  DeviceCallbacks,
  DeviceCallbacksWithAttrs,
  DeviceContext,
  DeviceFactory,
  HostedDeviceContext,
} from './base/device-binding.ts';
export type { GuestMemory, MemoryMapping } from './base/guest-memory.ts';
export type {
  IommuPermission,
  IommuTranslation,
  IommuTranslator,
  IommuTranslatorFactory,
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
export { PORT_ACCESS, type PortEntry, portCallbacks } from './base/port-callbacks.ts';
export type { RegionAccessEvent } from './base/trace.ts';
export type { DoorbellHandle } from './layout/attachments.ts';
export { Doorbell } from './mailbox/doorbell.ts';
export type { Address } from './vcpu/address.ts';
export type { CodeWatch } from './vcpu/code-watch.ts';
export type { MemoryPort } from './vcpu/memory-port.ts';
export type { MemoryRegionCache } from './vcpu/memory-region-cache.ts';
export type { SectionCopy } from './vcpu/section-list.ts';
export type { Vcpu } from './vcpu/vcpu.ts';
export type { VcpuProgram } from './vcpu/vcpu-run.ts';
export type { ViewHold } from './vcpu/view-hold.ts';
