/** What a port I/O space answers where no device does: all ones, and writes are ignored, both MEMTX_OK. */
import type { DeviceCallbacks } from '../base/device-binding.ts';

export default function portIoDevice(): DeviceCallbacks {
  return { read: () => -1, write: () => {} };
}
