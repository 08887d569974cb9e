/** A register that answers what was written to it last. */
import type { DeviceCallbacks } from '../../src/vcpu-program.ts';

export default function echo(): DeviceCallbacks {
  let last = 0;
  return {
    read: () => last,
    write: (_offset, value) => {
      last = value;
    },
  };
}
