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
export { MemoryRegion, type MemoryRegionKind, type MemoryRegionOptions } from './model/memory-region.ts';
export { transaction } from './model/transaction.ts';
export type { Publication } from './publish/publisher.ts';
export type { FlatViewOptions, MtreeOptions } from './qemu/mtree-options.ts';
export { printFlatViews, printMtree } from './qemu/mtree-printer.ts';
export { printRamBlocks } from './qemu/ram-block-printer.ts';
export type { AddressWindow, FlatRange, FlatView } from './render/flat-view.ts';
export type { DeviceHostDeath } from './service/device-hosts.ts';
export { Machine, type MachineGauges } from './service/machine.ts';
export type { MachineOptions } from './service/machine-options.ts';
export type { VcpuHandle, VcpuPhase } from './service/vcpu-handle.ts';
export type { VcpuStartOptions } from './service/vcpu-set.ts';
export type { DeviceReport } from './vcpu/device-handler.ts';
