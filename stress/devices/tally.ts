/** A register that counts its reads. */
import type { DeviceCallbacks } from '../../src/vcpu-program.ts';

export default function tally(): DeviceCallbacks {
  let reads = 0;
  return {
    read: () => {
      reads += 1;
      return reads;
    },
    write: () => {},
  };
}
