/**
 * Where vCPU runs get their threads from. Two hosts: a Piscina pool that keeps threads warm
 * (piscina-host.ts), and a plain Worker for each run (thread-host.ts).
 */
import type { PostedError } from '../base/posted-error.ts';
import type { VcpuOutcome, VcpuTask } from '../vcpu/vcpu-run.ts';

/** How a run ended. */
export type VcpuEnd =
  /** The thread said so itself: its reader is offline. */
  | VcpuOutcome
  /** The thread's `exit` event came first, the only proof that a reader that says nothing is gone. */
  | { readonly kind: 'exited'; readonly error: PostedError | null };

export interface VcpuRun {
  /** Resolves once, never rejects. */
  readonly ended: Promise<VcpuEnd>;
  /** Ends the run's thread, wherever it is; `ended` tells when it is gone. */
  terminate(): void;
}

export interface VcpuHost {
  /**
   * Starts a run in a thread of its own. Keeps the process alive until the run has ended.
   * @param task with `task.port` moved to the thread; its data has been found fit for posting
   */
  start(task: VcpuTask): VcpuRun;
  /** Ends all threads; resolves when the last has exited. */
  close(): Promise<void>;
}
