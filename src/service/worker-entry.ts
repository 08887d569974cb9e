/**
 * Where a thread starts. Built, the entries are plain modules beside this one's folder; from TypeScript
 * sources a thread first needs a loader, which `--import tsx` in execArgv does not give to a worker's
 * entry on Node 20, so a small module does it (dev/typescript-thread.mjs).
 */
import type { WorkerOptions } from 'node:worker_threads';

export interface WorkerEntry {
  /** The module that the thread starts with. */
  readonly filename: URL;
  /** Must reach the thread as (part of) its workerData. */
  readonly workerData: { readonly entry: string };
  readonly options: WorkerOptions;
}

const isTypeScript = import.meta.url.endsWith('.ts');

export function workerEntry(name: 'vcpu' | 'device'): WorkerEntry {
  const folder = new URL('../../workers/', import.meta.url);
  const entry = new URL(`${name}${isTypeScript ? '.ts' : '.js'}`, folder);
  return {
    filename: isTypeScript ? new URL('../dev/typescript-thread.mjs', folder) : entry,
    workerData: { entry: entry.href },
    // The parent's own loader flags would only load tsx a second time.
    options: isTypeScript ? { execArgv: [] } : {},
  };
}
