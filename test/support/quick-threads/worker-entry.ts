/**
 * Stands in for src/service/worker-entry.ts in tests (vitest.config.ts): threads read TypeScript by a small loader of
 * our own, which costs a third of what tsx does, and a suite starts hundreds of them. By tsx, as a user's program, they
 * run where tests start a process: the examples, the commands, test/service/vcpu-plain-node.test.ts.
 */
import type { WorkerEntry } from '../../../src/service/worker-entry.ts';

export function workerEntry(name: 'vcpu' | 'device'): WorkerEntry {
  const entry = new URL(`../../../workers/${name}.ts`, import.meta.url);
  return {
    filename: new URL('./thread.mjs', import.meta.url),
    workerData: { entry: entry.href, loader: null },
    options: { execArgv: [] },
  };
}
