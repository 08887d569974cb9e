/**
 * vCPU host on Piscina: one pool that grows to one thread for each vCPU slot and keeps them warm.
 * Guarantee: a run ends as `exited` only after the `exit` event of the very thread that had it. Piscina
 * rejects a task earlier, on `error` or abort, when the thread may still be running.
 *
 * Which thread has which run is known because the pool's load balancer, ours, is what assigns it.
 */
import { once } from 'node:events';
import type { Worker } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { type PostedError, postedFromError } from '../base/posted-error.ts';
import type { VcpuOutcome, VcpuTask } from '../vcpu/vcpu-run.ts';
import type { VcpuEnd, VcpuHost, VcpuRun } from './vcpu-host.ts';
import { workerEntry } from './worker-entry.ts';

/** A run as the pool's load balancer sees it. */
interface PlacedRun {
  readonly abort: AbortController;
  /** The thread that it was given to; null while it waits for one to come up. */
  worker: Worker | null;
  /** Why none came up. */
  bootError: PostedError | null;
}

const DID_NOT_COME_UP: PostedError = { name: 'Error', message: 'its thread did not come up', stack: null };

const placedRun = Piscina.queueOptionsSymbol;

export class PiscinaHost implements VcpuHost {
  private readonly pool: Piscina;
  private readonly filename: string;
  private readonly runs = new Set<PlacedRun>();
  private readonly watched = new WeakSet<Worker>();
  private readonly exited = new WeakSet<Worker>();
  private lastThreadError: PostedError | null = null;

  /** @param threads at most; as many as there are vCPU slots */
  constructor(threads: number) {
    const { filename, options, workerData } = workerEntry('vcpu');
    this.filename = filename.href;
    this.pool = new Piscina({
      minThreads: 0,
      maxThreads: threads,
      idleTimeout: Number.POSITIVE_INFINITY,
      concurrentTasksPerWorker: 1,
      atomics: 'disabled',
      recordTiming: false,
      workerData,
      ...(options.execArgv === undefined ? {} : { execArgv: options.execArgv }),
      loadBalancer: (task, workers) => {
        const free = workers.find((candidate) => candidate.currentUsage === 0);
        const worker = this.pool.threads.find((thread) => thread.threadId === free?.id);
        if (free === undefined || worker === undefined) return null;
        this.watch(worker);
        (task as unknown as Record<symbol, PlacedRun>)[placedRun]!.worker = worker;
        return free;
      },
    });
    // Only the error of a thread without a task ends up here: it did not come up, or it died idle.
    this.pool.on('error', (error: unknown) => {
      this.lastThreadError = postedFromError(error);
    });
    this.pool.on('workerDestroy', () => queueMicrotask(() => this.threadLost())); // once the pool has dropped it
  }

  start(task: VcpuTask): VcpuRun {
    const run: PlacedRun = { abort: new AbortController(), worker: null, bootError: null };
    this.runs.add(run);
    const outcome = this.pool.run(
      { ...task, [placedRun]: run },
      { filename: this.filename, name: 'run', transferList: [task.port], signal: run.abort.signal },
    ) as Promise<VcpuOutcome>;
    return {
      ended: this.endOf(outcome, run),
      terminate: () => run.abort.abort(), // piscina ends the thread that has it, or takes it from the queue
    };
  }

  close(): Promise<void> {
    return this.pool.destroy();
  }

  private async endOf(outcome: Promise<VcpuOutcome>, run: PlacedRun): Promise<VcpuEnd> {
    try {
      return await outcome;
    } catch (error) {
      const { worker } = run;
      if (worker === null) return { kind: 'exited', error: run.bootError };
      if (!this.exited.has(worker)) await once(worker, 'exit');
      return { kind: 'exited', error: postedFromError(error) };
    } finally {
      this.runs.delete(run);
    }
  }

  private watch(worker: Worker): void {
    if (this.watched.has(worker)) return;
    this.watched.add(worker);
    worker.once('exit', () => this.exited.add(worker));
  }

  /** Fails as many waiting runs as have no thread coming up for them any more: the pool would keep them. */
  private threadLost(): void {
    const threads = new Set(this.pool.threads);
    const waiting: PlacedRun[] = [];
    for (const run of this.runs) {
      if (run.worker === null) waiting.push(run);
      else threads.delete(run.worker);
    }
    for (const run of waiting.slice(threads.size)) {
      run.bootError = this.lastThreadError ?? DID_NOT_COME_UP;
      run.abort.abort();
    }
  }
}
