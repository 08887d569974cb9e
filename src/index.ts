/** The face of `flatview`: the control side. Programs that run in a vCPU's thread import `flatview/vcpu`. */
export {
  type ControlDevice,
  controlDevice,
  type DeviceBinding,
  type DeviceCallbacks,
  type DeviceContext,
  type DeviceFactory,
  type HostedDevice,
  hostedDevice,
  type LocalDevice,
  localDevice,
} from './base/device-binding.ts';
export { MemoryError, type MemoryErrorCode } from './base/errors.ts';
export {
  MEMTX_ACCESS_ERROR,
  MEMTX_DECODE_ERROR,
  MEMTX_ERROR,
  MEMTX_OK,
  type MemTxResult,
} from './base/mem-tx-result.ts';
export type { RamBlockInfo } from './base/ram-block-info.ts';
export type { StallReport } from './grace/writer.ts';
export { AddressSpace } from './model/address-space.ts';
export { MemoryRegion } from './model/memory-region.ts';
export { Owner, type OwnerOptions } from './model/owner.ts';
export type { BufferWindow, ResizableOptions } from './model/ram-backing.ts';
export type { RamFileOptions } from './model/ram-file.ts';
export type { MemoryRegionKind, MemoryRegionOptions } from './model/region-options.ts';
export { transaction } from './model/transaction.ts';
export type { Publication } from './publish/publisher.ts';
export type { RamPlace } from './publish/ram-addresses.ts';
export type { AddressWindow, FlatRange, FlatView } from './render/flat-view.ts';
export type { DeviceHostDeath } from './service/device-hosts.ts';
export { Machine, type MachineGauges } from './service/machine.ts';
export type { MachineOptions } from './service/machine-options.ts';
export type { VcpuHandle, VcpuPhase } from './service/vcpu-handle.ts';
export type { VcpuStartOptions } from './service/vcpu-set.ts';
export type { DeviceReport } from './vcpu/device-handler.ts';
