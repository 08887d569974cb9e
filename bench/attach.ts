/**
 * From startVcpu() until its program has made a first load and returned, in a warm pool: a reader slot,
 * attachments, views of the buffers, devices loaded, online, the map taken. The thread itself is there.
 */
import { Machine } from '../src/service/machine.ts';
import { type Measured, measureAwaited, type Row } from './support/measure.ts';
import { mixStream, showMix } from './support/mix.ts';

const FIRST_LOAD = new URL('./programs/first-load.ts', import.meta.url);

async function measureAttaching(): Promise<Measured> {
  const machine = new Machine({ ramReserveBytes: 2 ** 26, arenaBytes: 2 ** 22, vcpuSlots: 1 });
  try {
    showMix(machine, mixStream());
    const attach = (): Promise<unknown> => machine.startVcpu({ program: FIRST_LOAD }).finished;
    await attach(); // starts the pool's thread
    return await measureAwaited(attach, { operations: 1, threads: 2 });
  } finally {
    await machine.close();
  }
}

export const attachRows: readonly Row[] = [{ name: 'attach/vcpu', measure: measureAttaching }];
