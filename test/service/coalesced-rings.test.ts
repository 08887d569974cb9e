/** The rings of coalesced MMIO: when there is none, and what becomes of one whose holder or home dies. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { controlDevice, hostedDevice, localDevice } from '../../src/base/device-binding.ts';
import { MEMTX_ERROR } from '../../src/base/mem-tx-result.ts';
import { queuedCount, RING_STATE, takesWrites } from '../../src/layout/coalesced-ring.ts';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import { CoalescingMachine, DEVICE, NEIGHBOUR, newLog, stamps, until } from './coalescing-fixture.ts';
import { stamped } from './programs/doorbell-programs.ts';

const devices = new URL('./programs/coalesced-devices.ts', import.meta.url);
const plainModule = new URL('../vcpu/modules/device.mjs', import.meta.url);
let bed: CoalescingMachine;
beforeEach(() => {
  bed = new CoalescingMachine();
});
afterEach(() => bed.machine.close());

describe('a ring', () => {
  test('that a killed vCPU holds is free again', async () => {
    const region = await bed.coalesced(bed.device(bed.recorder()));
    const ring = bed.ringOf(region);
    const vcpu = bed.start({ what: 'write for ever' });
    await until(() => bed.seen.length > 0);
    await Promise.all([vcpu.terminate(), expect(vcpu.finished).rejects.toThrow('VCPU_FAILED')]);
    expect(ring[RING_STATE]).toBe(queuedCount(ring[RING_STATE]!));
    bed.seen.length = 0;
    await bed.writesUnserved(3); // queued, or they would wait for us
    await bed.machine.flushCoalesced();
    expect(bed.seen).toEqual(stamps(0, 3));
  });

  test('of a host that died takes nothing any more: writes fail as they do without it', async () => {
    const host = await bed.machine.startDeviceHost();
    const region = bed.device(hostedDevice(host, devices, { exportName: 'log', state: newLog().buffer }));
    await bed.coalesced(region);
    bed.control.store32(0, DEVICE, 1);
    await bed.machine.closeDeviceHost(host);
    await bed.machine.flushCoalesced();
    expect(takesWrites(bed.ringOf(region)[RING_STATE]!)).toBe(false);
    bed.control.store32(0, DEVICE, 2);
    expect(bed.control.result).toBe(MEMTX_ERROR);
  });

  test('is refused to a device without a lock, where it is mapped and when it is', () => {
    const binding = () =>
      localDevice(plainModule, { exportName: 'registers', lock: 'none', state: new SharedArrayBuffer(64) });
    const region = bed.device(binding());
    expect(() => region.coalescing.add(0, 4)).toThrow(/INVALID_ARGUMENT.*without a lock.*lock 'shared'/);
    expect(region.coalescing.items).toEqual([]);
    const other = MemoryRegion.io('other', 0x100, binding());
    other.coalescing.add(0, 4);
    expect(() => bed.root.addSubregion(NEIGHBOUR, other)).toThrow(/INVALID_ARGUMENT: region 'other'/);
    region.coalescing.setFlushCoalesced(); // which needs no order of its own calls
    bed.control.store32(0, DEVICE, 2);
    expect(bed.control.load32(0, DEVICE)).toBe(2);
  });

  test('is left alone from inside an access to its owner, whose guard would deny the replay', async () => {
    const inner: number[] = [];
    const binding = controlDevice({
      read: () => bed.seen.length,
      write: (_offset, value) => {
        bed.seen.push(value);
        if (value !== stamped(0, 0)) return;
        bed.control.load32(0, NEIGHBOUR); // of the same owner: denied, and nothing is replayed to be denied too
        inner.push(bed.control.result);
      },
    });
    await bed.coalesced(bed.device(binding, DEVICE, 'card'));
    const other = bed.device(bed.recorder(), NEIGHBOUR, 'card');
    other.coalescing.setFlushCoalesced();
    await bed.writesUnserved(3);
    expect(bed.control.load32(0, DEVICE)).toBe(3);
    expect([bed.seen, inner.length]).toEqual([stamps(0, 3), 1]);
    await until(() => bed.reports.length > 0);
    expect(bed.reports.every(({ isWrite }) => !isWrite)).toBe(true);
  });
});
