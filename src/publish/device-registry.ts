/**
 * Device ids: dense numbers, given to a region's callbacks when its section is first encoded, never
 * used again. Control thread only.
 * Guarantee: whoever must serve or call a device hears of it before a view that names it is published.
 */
import { assert } from '../base/assert.ts';
import type { DeviceBinding } from '../base/device-binding.ts';
import type { MemoryRegion } from '../model/memory-region.ts';

/** Told of a device when its id is given out; what it throws refuses the transaction. */
export type OnDevice = (device: number, region: MemoryRegion, binding: DeviceBinding) => void;

export class DeviceRegistry {
  private readonly ids = new Map<MemoryRegion, number>();
  private readonly onDevice: OnDevice;

  constructor(onDevice: OnDevice) {
    this.onDevice = onDevice;
  }

  /** Id of the callbacks of `region` if it was ever encoded. */
  find(region: MemoryRegion): number | undefined {
    return this.ids.get(region);
  }

  /** Id of the callbacks of `region`, which must have some. */
  idOf(region: MemoryRegion): number {
    const known = this.ids.get(region);
    if (known !== undefined) return known;
    assert(region.device !== null, `region '${region.name}' has callbacks`);
    const device = this.ids.size;
    this.onDevice(device, region, region.device);
    this.ids.set(region, device);
    return device;
  }
}
