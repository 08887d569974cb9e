/** What a port I/O space answers where no device does; every thread loads it: src/model/port-io.ts. */
import type { DeviceCallbacks } from '../src/base/device-binding.ts';

export default (): DeviceCallbacks => ({ read: () => -1, write: () => {} });
