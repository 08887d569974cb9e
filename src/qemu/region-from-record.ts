/** A region as its record describes it, in no container yet. */
import { assert } from '../base/assert.ts';
import type { DeviceBinding } from '../base/device-binding.ts';
import { MemoryRegion } from '../model/memory-region.ts';
import type { RegionRecord } from './region-record.ts';

/** What answers for an I/O region or ROM device of the layout; null rejects every access. */
export type BindDevice = (record: RegionRecord) => DeviceBinding | null;

/** @param target what an alias shows; null for every other kind */
export function regionFromRecord(
  record: RegionRecord,
  target: MemoryRegion | null,
  bindDevice: BindDevice = () => null,
): MemoryRegion {
  const { name, size, kind } = record;
  const options = {
    ramId: null, // names repeat in captures, and a region may come back while the one before has its bytes
    owner: record.owner,
    enabled: record.enabled,
    readonly: record.readonly,
    nonvolatile: record.nonvolatile,
    romd: record.romd,
    address: record.address,
    priority: record.priority,
  };
  switch (kind) {
    case 'container':
      return MemoryRegion.container(name, size, options);
    case 'ram':
      return MemoryRegion.ram(name, size, options);
    case 'ram-device':
      return MemoryRegion.ramDevice(name, size, options);
    case 'io':
      return MemoryRegion.io(name, size, bindDevice(record), options);
    case 'rom-device':
      return MemoryRegion.romDevice(name, size, bindDevice(record), options);
    case 'alias':
      assert(target !== null && record.alias !== null, 'an alias record has a target');
      return MemoryRegion.alias(name, target, record.alias.offset, size, options);
  }
}
