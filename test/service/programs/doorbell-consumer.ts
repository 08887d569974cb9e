/** A worker that blocks on a doorbell until it has been rung a number of times; counts in a shared word. */
import { parentPort, workerData } from 'node:worker_threads';
import { Doorbell, type DoorbellHandle } from '../../../src/vcpu-program.ts';

const { handle, rings } = workerData as { handle: DoorbellHandle; rings: number };
const doorbell = Doorbell.from(handle);
let count = 0;
while (count < rings) count += doorbell.wait();
parentPort!.postMessage(count);
