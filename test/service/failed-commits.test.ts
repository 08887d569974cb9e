/** What fails around a commit, one by one: each was found by the stress scenario failing-commits, or on the way to it. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { controlDevice } from '../../src/base/device-binding.ts';
import { MEMTX_OK } from '../../src/base/mem-tx-result.ts';
import { RING_BYTES } from '../../src/layout/coalesced-ring.ts';
import { ADDRESS_SPACE_COUNT_MAX } from '../../src/layout/control-block.ts';
import { AddressSpace } from '../../src/model/address-space.ts';
import { CallbackIommu } from '../../src/model/callback-iommu.ts';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import { registerParticipant, transaction, unregisterParticipant } from '../../src/model/transaction.ts';
import { Machine } from '../../src/service/machine.ts';
import { codeOf } from '../support/code-of.ts';

const PAGE = 0x1000;
const RESERVE_BYTES = 16 * PAGE;
const translators = new URL('../vcpu/modules/translators.mjs', import.meta.url);

let machine: Machine;
let root: MemoryRegion;
let memory: AddressSpace;
beforeEach(() => {
  machine = new Machine({ ramReserveBytes: RESERVE_BYTES, arenaBytes: 2 ** 20, checked: true });
  root = MemoryRegion.container('root', 2n ** 64n);
  memory = machine.addAddressSpace('memory', root);
});
afterEach(async () => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  await machine.close();
});

class Undone extends Error {}
const refuse = (): never => {
  throw new Undone();
};

/** From now on there is no memory for shared buffers of which `isRefused`. */
function refuseBuffers(isRefused: (sizeBytes: number) => boolean): void {
  const construct = (target: SharedArrayBufferConstructor, [sizeBytes]: [number]): object => {
    if (isRefused(sizeBytes)) throw new RangeError('Array buffer allocation failed');
    return new target(sizeBytes);
  };
  vi.stubGlobal('SharedArrayBuffer', new Proxy(SharedArrayBuffer, { construct }));
}

describe('without memory', () => {
  test('for the dirty bits of a RAM buffer there is no such buffer, and the next one has its own bits', () => {
    const large = (): MemoryRegion => MemoryRegion.ram('large', 2 * RESERVE_BYTES, { ramId: null });
    refuseBuffers((sizeBytes) => sizeBytes < RESERVE_BYTES);
    expect(codeOf(() => root.addSubregion(0, large()))).toBe('RAM_EXHAUSTED');
    vi.unstubAllGlobals();
    expect(machine.gauges.ramReservedBytes).toBe(RESERVE_BYTES);
    const ram = large();
    root.addSubregion(0, ram);
    machine.memory(memory).store32(0, RESERVE_BYTES, 5);
    expect(machine.readRam(ram, RESERVE_BYTES, 1)).toEqual(Uint8Array.of(5));
  });

  test('for a ring its coalesced range is refused, and not there afterwards', () => {
    const region = MemoryRegion.io('device', 16, controlDevice({ read: () => 7, write: () => {} }));
    root.addSubregion(0, region);
    refuseBuffers((sizeBytes) => sizeBytes === RING_BYTES);
    expect(() => region.coalescing.add(0, 4)).toThrow('allocation failed');
    expect(region.coalescing.items).toEqual([]);
    expect(machine.memory(memory).load32(0, 0)).toBe(7);
  });
});

describe('a commit that is undone', () => {
  test('costs no address space', () => {
    for (let index = 0; index <= ADDRESS_SPACE_COUNT_MAX; index += 1) {
      expect(() =>
        transaction(() => {
          machine.addAddressSpace('one', root);
          machine.addAddressSpace('another');
          refuse();
        }),
      ).toThrow(Undone);
    }
    const added = machine.addAddressSpace('at last', root);
    root.addSubregion(0, MemoryRegion.ram('ram', PAGE));
    machine.memory(added).load32(0, 0);
    expect(machine.memory(added).result).toBe(MEMTX_OK);
  });

  test('leaves no IOMMU that leads to an address space as it was numbered then', () => {
    const state = new SharedArrayBuffer(256);
    new Int32Array(state)[0] = 1; // page 0 leads to page 0
    const far = new AddressSpace('far');
    const farRoot = MemoryRegion.container('far root', 2n ** 64n);
    farRoot.addSubregion(0, MemoryRegion.ram('ram', PAGE));
    const iommu = MemoryRegion.iommu('iommu', 16 * PAGE, new CallbackIommu([far], translators, { state }));
    const show = (): void => {
      machine.addAddressSpace(far, farRoot);
      root.addSubregion(0, iommu);
    };
    const failing = { prepare: refuse };
    registerParticipant(failing);
    expect(() => transaction(show)).toThrow(Undone);
    unregisterParticipant(failing);
    machine.addAddressSpace('between');
    transaction(show);
    const port = machine.memory(memory);
    port.store32(0, 4, 9);
    expect([port.load32(0, 4), port.result]).toEqual([9, MEMTX_OK]);
    expect(machine.memory(far).load32(0, 4)).toBe(9);
  });
});

describe('what throws after a commit is told to the process, and neither undoes it nor keeps others from hearing', () => {
  /** What is thrown in microtasks of our own. */
  function uncaught(): unknown[] {
    const seen: unknown[] = [];
    vi.spyOn(globalThis, 'queueMicrotask').mockImplementation((callback) => {
      try {
        callback();
      } catch (error) {
        seen.push(error);
      }
    });
    return seen;
  }

  test('a listener of publications', () => {
    const seen = uncaught();
    const heard = vi.fn();
    machine.onPublication(refuse);
    machine.onPublication(heard);
    root.addSubregion(0, MemoryRegion.ram('ram', PAGE));
    expect(heard).toHaveBeenCalledOnce();
    expect(seen).toEqual([expect.any(Undone)]);
  });

  test('the onResized of RAM', () => {
    const seen = uncaught();
    const onResized = vi.fn();
    const broken = MemoryRegion.resizableRam('broken', PAGE, 4 * PAGE, { onResized: refuse });
    const whole = MemoryRegion.resizableRam('whole', PAGE, 4 * PAGE, { onResized });
    transaction(() => {
      broken.resize(2 * PAGE);
      whole.resize(2 * PAGE);
    });
    expect(onResized).toHaveBeenCalledOnce();
    expect(seen).toEqual([expect.any(Undone)]);
  });
});
