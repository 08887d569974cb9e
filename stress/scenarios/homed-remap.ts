/** Each vCPU has a device in the control thread whose write handler moves the device's own BAR. */
import { controlDevice } from '../../src/base/device-binding.ts';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import { transaction } from '../../src/model/transaction.ts';
import { pause, sharedWords } from '../bed.ts';
import { handshakeWords } from '../handshake.ts';
import { MOVES, type RemapJob } from '../programs/remapper.ts';
import type { Scenario } from '../scenario.ts';

const program = new URL('../programs/remapper.ts', import.meta.url);
const SLOTS = 64;
const STRIDE_BYTES = 0x2000;
const AREA_BYTES = SLOTS * STRIDE_BYTES;

function movingBar(number: number, base: number): MemoryRegion {
  let moves = 0;
  const bar: MemoryRegion = MemoryRegion.io(
    `bar ${number}`,
    0x1000,
    controlDevice({
      read: (offset) => (offset === MOVES ? moves : 0),
      write: (_offset, slot) => {
        moves += 1;
        transaction(() => bar.setAddress(base + slot * STRIDE_BYTES));
      },
    }),
  );
  return bar;
}

export const homedRemap: Scenario = {
  name: 'homed-remap',
  property:
    'a handler may move its own BAR: the vCPU that wrote finds it at the new place at its very next access',
  seconds: 4,
  layoutsByGuests: true,
  async run(bed) {
    const machine = bed.open({
      onDeviceReport: (report) => bed.violation(`device ${report.regionName}: ${report.problem}`),
    });
    const root = MemoryRegion.container('root', 2n ** 64n);
    machine.addAddressSpace('memory', root);
    const words = sharedWords(handshakeWords(bed.vcpuCount));
    for (let number = 0; number < bed.vcpuCount; number += 1) {
      const base = 0x8000_0000 + number * AREA_BYTES;
      root.addSubregion(base, movingBar(number, base));
      const job: RemapJob = { base, slots: SLOTS, strideBytes: STRIDE_BYTES };
      bed.start(program, job, { words });
    }
    await bed.up();
    const progress = bed.watch('moves', () => bed.operations);
    while (!bed.timeIsUp) {
      await pause(5);
      progress();
    }
    return `${bed.publications} moves published by handlers`;
  },
};
