/**
 * Where a thread starts: at its entry in workers/, or, where this process reads TypeScript by tsx, at a small module
 * that teaches the thread to do so first. On Node 20 `--import tsx` does not reach a worker's entry.
 */
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { WorkerOptions } from 'node:worker_threads';

export interface WorkerEntry {
  /** The module that the thread starts with. */
  readonly filename: URL;
  /** Must reach the thread as (part of) its workerData. `loader`: from where tsx is found. */
  readonly workerData: { readonly entry: string; readonly loader: string | null };
  readonly options: WorkerOptions;
}

const isTypeScript = import.meta.url.endsWith('.ts');

export function workerEntry(name: 'vcpu' | 'device'): WorkerEntry {
  const folder = new URL('../../workers/', import.meta.url);
  const entry = new URL(`${name}${isTypeScript ? '.ts' : '.js'}`, folder);
  const loader = isTypeScript ? import.meta.url : tsxAmong(flagsOfProcess());
  return {
    filename: loader === null ? entry : new URL('typescript-thread.mjs', folder),
    workerData: { entry: entry.href, loader },
    // The parent's own loader flags would only load tsx a second time.
    options: loader === null ? {} : { execArgv: [] },
  };
}

const flagsOfProcess = (): readonly string[] => [
  ...process.execArgv,
  ...(process.env['NODE_OPTIONS'] ?? '').split(/\s+/),
];

/**
 * A file from which tsx can be required, if it is among the modules that the flags name: by its name, as in `--import tsx`,
 * or by its own file, as its command gives it.
 */
export function tsxAmong(flags: readonly string[]): string | null {
  const modules = flags.map((flag) => flag.replace(/^--[\w-]+=/, ''));
  if (modules.some((module) => /^tsx(\/|$)/.test(module))) return pathToFileURL(resolve('package.json')).href;
  const file = modules.find((module) => /[\\/]tsx[\\/]dist[\\/]\w+\.[cm]js$/.test(module));
  if (file === undefined) return null;
  return file.startsWith('file:') ? file : pathToFileURL(file).href;
}
