/** Devices that note what is written to them, for the tests of coalesced MMIO. */
import type { DeviceCallbacks, DeviceContext } from '../../../src/base/device-binding.ts';

/** Words of the shared state: how many writes there were, then the values. */
export const LOG_VALUES = 1;

/** A write is noted in the shared state; a read gives how many there were. */
export function log(context: DeviceContext): DeviceCallbacks {
  const words = new Int32Array(context.state);
  return {
    read: () => words[0]!,
    write: (_offset, value) => {
      words[LOG_VALUES + words[0]!] = value;
      words[0] = words[0]! + 1;
    },
  };
}

/** Notes which vCPU wrote. */
export function writers(context: DeviceContext): DeviceCallbacks {
  const { write, read } = log(context);
  return { read, write: (offset, _value, size) => write(offset, context.vcpu, size) };
}
