/** Thread of a vCPU: Piscina calls run() for each task; a plain Worker brings its only task along. */
import { parentPort, workerData } from 'node:worker_threads';
import { runVcpu, type VcpuTask } from '../src/vcpu/vcpu-run.ts';

export const run = runVcpu;

const task = (workerData as { task?: VcpuTask } | null)?.task;
if (task !== undefined) void runVcpu(task).then((outcome) => parentPort?.postMessage(outcome));
