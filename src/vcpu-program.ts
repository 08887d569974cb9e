/** The face of `flatview/vcpu`: what programs and device modules that run in a vCPU's thread use. */
export type {
  DeviceCallbacks,
  DeviceContext,
  DeviceFactory,
  HostedDeviceContext,
} from './base/device-binding.ts';
export {
  MEMTX_ACCESS_ERROR,
  MEMTX_DECODE_ERROR,
  MEMTX_ERROR,
  MEMTX_OK,
  type MemTxResult,
} from './base/mem-tx-result.ts';
export type { Address, MemoryPort } from './vcpu/memory-port.ts';
export type { Vcpu } from './vcpu/vcpu.ts';
export type { VcpuProgram } from './vcpu/vcpu-run.ts';
