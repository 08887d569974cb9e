/** From synchronize() until both of two busy vCPUs were seen past a checkpoint. */
import { MemoryRegion } from '../src/model/memory-region.ts';
import { Machine } from '../src/service/machine.ts';
import { type Measured, measureAwaited, type Row } from './support/measure.ts';

const CHECKPOINTING = new URL('./programs/checkpointing.ts', import.meta.url);
const VCPU_COUNT = 2;

async function measureGracePeriods(): Promise<Measured> {
  const machine = new Machine({ ramReserveBytes: 2 ** 24, arenaBytes: 2 ** 20, vcpuSlots: VCPU_COUNT });
  try {
    const root = MemoryRegion.container('system', 2n ** 64n);
    root.addSubregion(0, MemoryRegion.ram('ram', 0x10_0000));
    machine.addAddressSpace('memory', root);
    const vcpus = Array.from({ length: VCPU_COUNT }, () => machine.startVcpu({ program: CHECKPOINTING }));
    await Promise.all(vcpus.map((vcpu) => vcpu.started));
    return await measureAwaited(() => machine.synchronize(), { operations: 1, threads: VCPU_COUNT + 1 });
  } finally {
    await machine.close();
  }
}

export const graceRows: readonly Row[] = [{ name: 'grace/latency', measure: measureGracePeriods }];
