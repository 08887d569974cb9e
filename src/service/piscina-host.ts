/**
 * vCPU host on Piscina: one pool that grows to one thread for each vCPU slot and keeps them warm.
 * Guarantee: a run ends as `exited` only after the `exit` event of the very thread that had it. Piscina
 * rejects a task earlier, on `error` or abort, when the thread may still be running.
 *
 * Piscina is loaded with the first run, so who only keeps layouts does not load it. Which thread has which run is
 * known because the pool's load balancer, ours, is what assigns it.
 */
import { once } from 'node:events';
import type { Worker } from 'node:worker_threads';
import type { Piscina } from 'piscina';
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

interface OpenPool {
  readonly pool: Piscina;
  /** Where a task has its PlacedRun, for the load balancer. */
  readonly runKey: symbol;
}

const DID_NOT_COME_UP: PostedError = { name: 'Error', message: 'its thread did not come up', stack: null };

export class PiscinaHost implements VcpuHost {
  private readonly threads: number;
  private opened: Promise<OpenPool> | null = null;
  private readonly runs = new Set<PlacedRun>();
  private readonly watched = new WeakSet<Worker>();
  private readonly exited = new WeakSet<Worker>();
  private lastThreadError: PostedError | null = null;

  /** @param threads at most; as many as there are vCPU slots */
  constructor(threads: number) {
    this.threads = threads;
  }

  start(task: VcpuTask): VcpuRun {
    const run: PlacedRun = { abort: new AbortController(), worker: null, bootError: null };
    this.opened ??= this.open();
    return {
      ended: this.endOf(this.run(task, run), run),
      terminate: () => run.abort.abort(), // piscina ends the thread that has it, or takes it from the queue
    };
  }

  async close(): Promise<void> {
    const opened = await this.opened?.catch(() => null); // what did not open has no threads
    await opened?.pool.destroy();
  }

  private async open(): Promise<OpenPool> {
    const { Piscina } = await import('piscina');
    const { filename, options, workerData } = workerEntry('vcpu');
    const runKey = Piscina.queueOptionsSymbol;
    const pool: Piscina = new Piscina({
      filename: filename.href,
      minThreads: 0,
      maxThreads: this.threads,
      idleTimeout: Number.POSITIVE_INFINITY,
      concurrentTasksPerWorker: 1,
      atomics: 'disabled',
      recordTiming: false,
      workerData,
      ...(options.execArgv === undefined ? {} : { execArgv: options.execArgv }),
      loadBalancer: (task, workers) => {
        const free = workers.find((candidate) => candidate.currentUsage === 0);
        const worker = pool.threads.find((thread) => thread.threadId === free?.id);
        if (free === undefined || worker === undefined) return null;
        this.watch(worker);
        (task as unknown as Record<symbol, PlacedRun>)[runKey]!.worker = worker;
        return free;
      },
    });
    // Only the error of a thread without a task ends up here: it did not come up, or it died idle.
    pool.on('error', (error: unknown) => {
      this.lastThreadError = postedFromError(error);
    });
    pool.on('workerDestroy', () => queueMicrotask(() => this.threadLost(pool))); // once the pool has dropped it
    return { pool, runKey };
  }

  private async run(task: VcpuTask, run: PlacedRun): Promise<VcpuOutcome> {
    const { pool, runKey } = await this.opened!.catch((error: unknown) => {
      run.bootError = postedFromError(error);
      throw error;
    });
    this.runs.add(run); // with run(), so that it counts as waiting while the pool has it
    return pool.run(
      { ...task, [runKey]: run },
      { name: 'run', transferList: [task.port], signal: run.abort.signal },
    ) as Promise<VcpuOutcome>;
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
  private threadLost(pool: Piscina): void {
    const threads = new Set(pool.threads);
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
