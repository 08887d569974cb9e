/** A device that answers for the register next to the one that was asked for. */
import type { DeviceCallbacks, DeviceContext } from '../../src/base/device-binding.ts';
import probeDevice from '../../src/verify/probe-device.ts';

export default function lyingDevice(context: DeviceContext): DeviceCallbacks {
  const honest = probeDevice(context);
  return {
    read: (offset, size) => honest.read(offset + 4, size),
    write: (offset, value, size) => honest.write(offset, value, size),
  };
}
