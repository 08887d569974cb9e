/**
 * What answers for the devices of a machine that the service runs: registers that keep what was written last.
 * A capture says where a device is, not what it does. The factory runs in vCPUs' threads, registersOf() in the
 * control thread.
 */
import type { AccessRules } from '../base/access-rules.ts';
import {
  type DeviceCallbacks,
  type DeviceContext,
  type LocalDevice,
  localDevice,
} from '../base/device-binding.ts';

/** Offsets of a large device repeat after that many bytes. */
const REGISTER_BYTES_MAX = 1024;
/** An access at the last offset reaches past it. */
const SLACK_BYTES = 4;

/** Captured machines map devices at odd addresses too: what is aligned there is not aligned in the region. */
const ANY_OFFSET: AccessRules = { valid: { unaligned: true }, impl: { unaligned: true } };

/** Registers of a device of `size` bytes. Without a lock, as RAM: who races on them gets what the race gives. */
export function registers(size: bigint): LocalDevice {
  let bytes = 1;
  while (bytes < size && bytes < REGISTER_BYTES_MAX) bytes *= 2;
  const state = new SharedArrayBuffer(bytes + SLACK_BYTES);
  return localDevice(import.meta.url, { state, lock: 'none', access: ANY_OFFSET });
}

export default function registersDevice({ state }: DeviceContext): DeviceCallbacks {
  const view = new DataView(state);
  const mask = state.byteLength - SLACK_BYTES - 1;
  return {
    read(offset, size) {
      const at = offset & mask;
      if (size === 4) return view.getInt32(at, true);
      return size === 2 ? view.getUint16(at, true) : view.getUint8(at);
    },
    write(offset, value, size) {
      const at = offset & mask;
      if (size === 4) view.setInt32(at, value, true);
      else if (size === 2) view.setUint16(at, value, true);
      else view.setUint8(at, value);
    },
  };
}
