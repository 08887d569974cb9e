/** A device of one register: what is written is added up. Every vCPU's thread loads this module for itself. */
import type { DeviceCallbacks, DeviceContext } from 'flatview/vcpu';

export default function counter({ state }: DeviceContext): DeviceCallbacks {
  const total = new Int32Array(state); // one buffer for all threads
  return {
    read: (_offset, _size) => total[0]!,
    write(_offset, value, _size) {
      total[0] = total[0]! + value; // needs no atomic: under its lock no two calls run at once
    },
  };
}
