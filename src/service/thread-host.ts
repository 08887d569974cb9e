/** vCPU host on plain Workers: a thread for each run, which exits with it. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { type PostedError, postedFromError } from '../base/posted-error.ts';
import type { VcpuOutcome, VcpuTask } from '../vcpu/vcpu-run.ts';
import type { VcpuEnd, VcpuHost, VcpuRun } from './vcpu-host.ts';
import { workerEntry } from './worker-entry.ts';

export class ThreadHost implements VcpuHost {
  private readonly workers = new Set<Worker>();

  start(task: VcpuTask): VcpuRun {
    const { filename, options, workerData } = workerEntry('vcpu');
    const worker = new Worker(filename, {
      ...options,
      workerData: { ...workerData, task },
      transferList: [task.port],
    });
    this.workers.add(worker);
    worker.once('exit', () => this.workers.delete(worker));
    return { ended: endOf(worker), terminate: () => void worker.terminate() };
  }

  async close(): Promise<void> {
    const exits = [...this.workers].map((worker) => once(worker, 'exit'));
    for (const worker of this.workers) void worker.terminate();
    await Promise.all(exits);
  }
}

function endOf(worker: Worker): Promise<VcpuEnd> {
  return new Promise((resolve) => {
    let failure: PostedError | null = null;
    worker.on('message', (outcome: VcpuOutcome) => resolve(outcome));
    worker.on('error', (error) => {
      failure = postedFromError(error);
    });
    worker.on('exit', () => resolve({ kind: 'exited', error: failure }));
  });
}
