/**
 * The device that stands in for every I/O region and ROM device of a captured machine. It answers with who
 * it is: its tag at the offset asked for, and the version that was written last.
 * Guarantee: a write that was not meant for this device and offset is counted, never stored.
 */
import type { DeviceCallbacks, DeviceContext } from '../base/device-binding.ts';
import { deviceTag, REGISTER_COUNT, registerAt, TAG_MASK, VERSION_SHIFT } from './cell-format.ts';

/** `data` of a probe device's binding. */
export interface ProbeDeviceData {
  /** Number of the device among the probes; part of its tags. */
  readonly probe: number;
}

/** State: REGISTER_COUNT versions, then the count of writes that were meant for someone else. */
export const STATE_MISDIRECTED = REGISTER_COUNT;
export const STATE_WORDS = REGISTER_COUNT + 1;

const tagAt = deviceTag; // local names for the hot path: V8 does not fold imported bindings
const indexAt = registerAt;
const tagMask = TAG_MASK;
const versionShift = VERSION_SHIFT;

export default function probeDevice(context: DeviceContext): DeviceCallbacks {
  const { probe } = context.data as ProbeDeviceData;
  const state = new Int32Array(context.state);
  return {
    read: (offset) => tagAt(probe, offset) | (state[indexAt(offset)]! << versionShift),
    write(offset, value, size) {
      const mask = size === 1 ? 0xff : tagMask;
      if (((value ^ tagAt(probe, offset)) & mask) !== 0) Atomics.add(state, STATE_MISDIRECTED, 1);
      else if (size === 4) state[indexAt(offset)] = value >>> versionShift;
    },
  };
}
