/** What no mailbox can undercut: a sleeping thread is woken, answers, and wakes who asked, by bare wait and notify. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { type Measured, measureReported, type Row } from './support/measure.ts';

const ECHO_THREAD = new URL('./programs/echo-thread.mjs', import.meta.url);
/** As before each access of mmio/homed-asleep. */
const IDLE_MS = 2;

async function measureWakeUps(): Promise<Measured> {
  const words = new Int32Array(new SharedArrayBuffer(8));
  const echo = new Worker(ECHO_THREAD, { workerData: words });
  let asked = 0;
  const set = (value: number): void => {
    Atomics.store(words, 0, value);
    Atomics.notify(words, 0);
  };
  const ask = async (): Promise<number> => {
    await sleep(IDLE_MS);
    const start = process.hrtime.bigint();
    asked += 1;
    set(asked);
    while (Atomics.load(words, 1) !== asked) Atomics.wait(words, 1, asked - 1);
    return Number(process.hrtime.bigint() - start);
  };
  try {
    return await measureReported(ask, { operations: 1, threads: 2 });
  } finally {
    set(-1);
    await echo.terminate();
  }
}

export const wakeUpRows: readonly Row[] = [{ name: 'limit/wake-up', measure: measureWakeUps }];
