/** The probe devices of one machine: binds them to the regions of a layout and counts their complaints. */
import type { AccessRules } from '../base/access-rules.ts';
import { type DeviceBinding, type LocalDevice, localDevice } from '../base/device-binding.ts';
import type { MemoryRegion } from '../model/memory-region.ts';
import { siblingModule } from '../service/sibling-module.ts';
import { type ProbeDeviceData, STATE_MISDIRECTED, STATE_WORDS } from './probe-device.ts';

/** Captured machines map devices at odd addresses too: what is aligned there is not aligned in the region. */
const ANY_OFFSET: AccessRules = { valid: { unaligned: true }, impl: { unaligned: true } };

/** The URL of a module beside this one, for another thread to load. */
export const moduleUrl = (name: string): URL => siblingModule(import.meta.url, name);

/** The number of the probe device behind `region`; null if something else, or nothing, answers for it. */
export function probeOf(region: MemoryRegion): number | null {
  const data = region.device?.placement === 'local' ? region.device.data : null;
  return typeof data === 'object' && data !== null && 'probe' in data
    ? (data as ProbeDeviceData).probe
    : null;
}

export class ProbeDevices {
  private readonly states: Int32Array<SharedArrayBuffer>[] = [];
  private readonly module: URL;

  /** @param module the probe's module; tests give one that lies */
  constructor(module: URL = moduleUrl('probe-device')) {
    this.module = module;
  }

  /** A device for one more region. Without a lock: the probe's registers have one writer each. */
  bind(): LocalDevice & DeviceBinding {
    const state = new SharedArrayBuffer(4 * STATE_WORDS);
    const data: ProbeDeviceData = { probe: this.states.length };
    this.states.push(new Int32Array(state));
    return localDevice(this.module, { state, data, lock: 'none', access: ANY_OFFSET });
  }

  /** Writes that reached a device, or an offset, for which they were not meant. */
  get misdirectedWrites(): number {
    return this.states.reduce((sum, state) => sum + Atomics.load(state, STATE_MISDIRECTED), 0);
  }
}
